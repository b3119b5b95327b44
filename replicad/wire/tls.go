package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// certSuffix ends every name in a cluster's certificates. It is no real
// domain: no public CA can issue such a name.
const certSuffix = ".consequor"

// CertName is the DNS name by which a certificate says that its holder is this
// process of this cluster, in lower case: "r1.4f2a9c.consequor".
func CertName(process, clusterID string) string {
	return strings.ToLower(process + "." + clusterID + certSuffix)
}

// LoadTLS reads the cluster's CA and a process's own certificate and key, all
// in PEM, and checks that the certificate is one of this cluster. What it
// returns serves for both ends of a connection.
func LoadTLS(caFile, certFile, keyFile, clusterID string) (*tls.Config, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the cluster's CA: %s holds no certificate", caFile)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s and its key: %w", certFile, err)
	}
	if !slices.ContainsFunc(pair.Leaf.DNSNames, func(name string) bool {
		return strings.HasSuffix(name, CertName("", clusterID))
	}) {
		return nil, fmt.Errorf("certificate %s is for %q, none of them of cluster %s",
			certFile, pair.Leaf.DNSNames, clusterID)
	}
	return NewTLS(pool, pair), nil
}

// NewTLS makes the configuration for both ends of a connection from a CA and a
// certificate.
func NewTLS(ca *x509.CertPool, own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{own},
		RootCAs:      ca,
		ClientCAs:    ca,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		// A ticket would let a peer in without showing its certificate again,
		// and costs a write on every connection; links live for long.
		SessionTicketsDisabled: true,
		// Small first records are for browsers; here they cost a system call each.
		DynamicRecordSizingDisabled: true,
	}
}

// checkTLS refuses a configuration that would let a stranger in, or that would
// have every peer turn us away.
func checkTLS(cfg *tls.Config, process, clusterID string) error {
	switch {
	case cfg == nil:
		return errors.New("no TLS configuration")
	case cfg.MinVersion < tls.VersionTLS13:
		return errors.New("TLS below 1.3 is allowed")
	case cfg.ClientAuth != tls.RequireAndVerifyClientCert || cfg.InsecureSkipVerify:
		return errors.New("TLS without mutual authentication")
	case cfg.RootCAs == nil || cfg.ClientCAs == nil:
		return errors.New("no cluster CA: the system's would be trusted")
	case len(cfg.Certificates) != 1 || len(cfg.Certificates[0].Certificate) == 0:
		return fmt.Errorf("%d certificates, want one", len(cfg.Certificates))
	}
	leaf, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	if err != nil {
		return fmt.Errorf("own certificate: %w", err)
	}
	return checkName(leaf, process, clusterID)
}

// checkName reports whether cert names exactly this process of this cluster.
// Wildcards do not count.
func checkName(cert *x509.Certificate, process, clusterID string) error {
	want := CertName(process, clusterID)
	if !slices.Contains(cert.DNSNames, want) {
		return fmt.Errorf("the certificate is for %q, not for %s", cert.DNSNames, want)
	}
	return nil
}
