// Package wiretest makes throw-away clusters of certificates for tests of
// whatever talks over wire:
//
//	ca := wiretest.NewCA(t)
//	cfg := wire.Config{TLS: ca.TLS(wire.CertName("r1", "c0ffee")), ...}
//
// Keys live in memory, or in the test's temporary folder, and die with the test.
package wiretest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"consequor/replicad/wire"
)

// certLife is how long a certificate is valid, before and after its making.
const certLife = 24 * time.Hour

// CA is a certificate authority that lives for one test.
type CA struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes one with a fresh key.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{t: t, key: newKey(t)}
	ca.cert = ca.sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "throw-away CA of " + t.Name()},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, &ca.key.PublicKey)
	return ca
}

// Issue makes a certificate for DNS names such as wire.CertName gives.
func (ca *CA) Issue(names ...string) tls.Certificate {
	ca.t.Helper()
	key := newKey(ca.t)
	leaf := ca.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		DNSNames:    names,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// Pool trusts this CA and nobody else.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// TLS is a process's configuration, with a fresh certificate for names.
func (ca *CA) TLS(names ...string) *tls.Config {
	ca.t.Helper()
	return wire.NewTLS(ca.Pool(), ca.Issue(names...))
}

// Files writes the CA and a fresh certificate and key for names to the test's
// temporary folder, as wire.LoadTLS wants them.
func (ca *CA) Files(names ...string) (caFile, certFile, keyFile string) {
	ca.t.Helper()
	pair := ca.Issue(names...)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		ca.t.Fatalf("encode a key: %v", err)
	}
	dir := ca.t.TempDir()
	return ca.write(dir, "ca.pem", "CERTIFICATE", ca.cert.Raw),
		ca.write(dir, "cert.pem", "CERTIFICATE", pair.Certificate[0]),
		ca.write(dir, "key.pem", "PRIVATE KEY", key)
}

func (ca *CA) write(dir, name, kind string, der []byte) string {
	ca.t.Helper()
	path := filepath.Join(dir, name)
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		ca.t.Fatalf("write %s: %v", name, err)
	}
	return path
}

// sign completes a template and signs it; a CA without a certificate signs its own.
func (ca *CA) sign(template *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
	ca.t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		ca.t.Fatalf("draw a serial number: %v", err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-certLife), time.Now().Add(certLife)
	issuer := ca.cert
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, ca.key)
	if err != nil {
		ca.t.Fatalf("sign a certificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatalf("read back a certificate: %v", err)
	}
	return cert
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return key
}
