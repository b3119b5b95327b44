package supervisor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"consequor/topologies"
)

// Certificates are good for certLife and made anew at a start that finds less
// than certRenew of it left. A new CA makes all others anew: it is only made
// at `up`, when no replica runs.
const (
	caLife    = 10 * 365 * 24 * time.Hour
	certLife  = 2 * 365 * 24 * time.Hour
	certRenew = 60 * 24 * time.Hour

	// clockSkew is how far a certificate is dated back.
	clockSkew = time.Hour
)

// authority is the cluster's own CA: who has a certificate of it belongs to
// the cluster.
type authority struct {
	dir       string // keys in it are readable by their owner only
	clusterID string
	now       func() time.Time
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
}

// openAuthority reads the CA kept in dir, or makes one.
func openAuthority(dir, clusterID string, now func() time.Time) (*authority, error) {
	a := &authority{dir: dir, clusterID: clusterID, now: now}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for certificates: %w", err)
	}
	cert, key, err := readPair(a.path("ca"))
	switch {
	case err == nil && a.fresh(cert):
		a.cert, a.key = cert, key
		return a, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the cluster's CA: %w", err)
	}
	template := a.template("consequor cluster "+clusterID, caLife)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make the cluster's CA: %w", err)
	}
	if a.cert, err = a.write("ca", template, template, a.key); err != nil {
		return nil, fmt.Errorf("make the cluster's CA: %w", err)
	}
	return a, nil
}

// issue returns the files of a certificate for the process name, which it
// makes when there is none that is good.
func (a *authority) issue(name string) (topologies.TLS, error) {
	file := "process-" + name // a process may be called "ca"
	files := topologies.TLS{CA: a.path("ca") + ".pem", Cert: a.path(file) + ".pem", Key: a.path(file) + ".key"}
	if cert, _, err := readPair(a.path(file)); err == nil && a.fresh(cert) && cert.CheckSignatureFrom(a.cert) == nil {
		return files, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	template := a.template(name, certLife)
	template.DNSNames = []string{certName(name, a.clusterID)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if _, err := a.write(file, template, a.cert, key); err != nil {
		return files, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	return files, nil
}

// certName is the name in a process's certificate.
func certName(process, clusterID string) string { return process + "." + clusterID + ".consequor" }

// path is where a certificate is kept, without its ending.
func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

func (a *authority) fresh(cert *x509.Certificate) bool {
	return cert.NotAfter.After(a.now().Add(certRenew))
}

func (a *authority) template(commonName string, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName},
		NotBefore: a.now().Add(-clockSkew),
		NotAfter:  a.now().Add(life),
	}
}

// write signs a certificate for key and writes both. The key goes first: a
// certificate without its key would look good.
func (a *authority) write(name string, template, parent *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(a.path(name)+".key", "PRIVATE KEY", keyDER); err != nil {
		return nil, err
	}
	if err := writePEM(a.path(name)+".pem", "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePEM(path, kind string, der []byte) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// readPair reads a certificate and its key, which must belong together.
func readPair(path string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readPEM(path+".pem", "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readPEM(path+".key", "PRIVATE KEY")
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s.pem: %w", path, err)
	}
	anyKey, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s.key: %w", path, err)
	}
	key, ok := anyKey.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("%s.key: not the key of %s.pem", path, path)
	}
	return cert, key, nil
}

func readPEM(path, kind string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: no PEM block %q", path, kind)
	}
	return block.Bytes, nil
}
