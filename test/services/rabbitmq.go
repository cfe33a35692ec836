package services

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rabbitmqEnv names a server to use instead of starting one, by the URL of its management plugin: that of a user who may do
// everything, with the port of AMQP as the parameter amqp.
const rabbitmqEnv = "MILLRACE_TEST_RABBITMQ_URL"

// RabbitMQServer is a server with an empty virtual host of one's own.
type RabbitMQServer struct {
	Host, User, Password, VHost string
	Port                        int    // of AMQP
	SecurePort                  int    // of AMQP over TLS; 0 where there is none
	CA                          string // PEM of the authority of its certificate, which is for 127.0.0.1
	Management                  string // the URL of the management plugin, without a user

	admin *url.URL
}

// RabbitMQ returns a new, empty virtual host, which is deleted when the test ends. The server is started when the first
// test process needs it and found by the others. A test that cannot have one fails, saying what to install.
func RabbitMQ(t testing.TB) *RabbitMQServer {
	t.Helper()
	address, err := StartRabbitMQ()
	if err != nil {
		t.Fatalf("RabbitMQ is needed: %v", err)
	}
	s, err := readRabbitMQ(address)
	if err != nil {
		t.Fatal(err)
	}
	s.VHost = fmt.Sprintf("t_%d_%d_%d", os.Getpid(), time.Now().UnixNano(), databases.Add(1))
	if err := s.Manage(http.MethodPut, "/api/vhosts/"+s.VHost, ""); err != nil {
		t.Fatalf("making a virtual host: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Manage(http.MethodDelete, "/api/vhosts/"+s.VHost, ""); err != nil {
			t.Logf("deleting the virtual host: %v", err)
		}
	})
	return s
}

func readRabbitMQ(address string) (*RabbitMQServer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(u.Query().Get("amqp"))
	if err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	s := &RabbitMQServer{
		Host: u.Hostname(), Port: port, User: u.User.Username(), Password: password,
		Management: (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), admin: &url.URL{Scheme: u.Scheme, Host: u.Host, User: u.User},
	}
	if file := u.Query().Get("ca"); file != "" {
		ca, rerr := os.ReadFile(file)
		port, perr := strconv.Atoi(u.Query().Get("amqps"))
		if err := errors.Join(rerr, perr); err != nil {
			return nil, err
		}
		s.CA, s.SecurePort = string(ca), port
	}
	return s, nil
}

// Manage makes a request to the management plugin.
func (s *RabbitMQServer) Manage(method, path, body string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.admin.String()+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return nil
}

// StartRabbitMQ starts the shared server, or finds the one that runs, and returns its address, as rabbitmqEnv has it.
func StartRabbitMQ() (string, error) {
	if address := os.Getenv(rabbitmqEnv); address != "" {
		return address, nil
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if address, err := os.ReadFile(rabbitmqAddress()); err == nil && rabbitmqRuns(string(address)) == nil {
		return string(address), nil
	}
	return startRabbitMQ()
}

func rabbitmqAddress() string { return filepath.Join(folder(), "rabbitmq.url") }

func rabbitmqRuns(address string) error {
	s, err := readRabbitMQ(address)
	if err != nil {
		return err
	}
	return s.Manage(http.MethodGet, "/api/health/checks/local-alarms", "")
}

// rabbitmqProgram is the server itself: the script that Debian puts into the path wants to be a user of its own.
func rabbitmqProgram() (string, error) {
	const debian = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	if _, err := os.Stat(debian); err == nil {
		return debian, nil
	}
	path, err := exec.LookPath("rabbitmq-server")
	if err != nil {
		return "", errors.New("rabbitmq-server was not found: install it with `apt-get install rabbitmq-server`, or name a running server in " + rabbitmqEnv)
	}
	return path, nil
}

func startRabbitMQ() (string, error) {
	program, err := rabbitmqProgram()
	if err != nil {
		return "", err
	}
	var ports [4]int // of AMQP, of the management plugin, between nodes, and of AMQP over TLS
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return "", err
		}
	}
	data := filepath.Join(folder(), fmt.Sprintf("rabbitmq-%d", ports[0]))
	if err := configureRabbitMQ(data, ports); err != nil {
		return "", err
	}
	environment := []string{
		"RABBITMQ_NODENAME=millrace" + strconv.Itoa(ports[0]) + "@localhost", "RABBITMQ_DIST_PORT=" + strconv.Itoa(ports[2]),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(data, "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(data, "plugins"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(data, "data"), "RABBITMQ_LOG_BASE=" + filepath.Join(data, "logs"),
		"RABBITMQ_PID_FILE=" + filepath.Join(data, "pid"), "HOME=" + data, "ERL_EPMD_ADDRESS=127.0.0.1",
	}
	if err := detach(filepath.Join(data, "log"), "/usr/bin/env", append(environment, program)...); err != nil {
		return "", err
	}
	address := fmt.Sprintf("http://guest:guest@127.0.0.1:%d?amqp=%d&amqps=%d&ca=%s", ports[1], ports[0], ports[3], url.QueryEscape(filepath.Join(data, "server.crt")))
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if err = rabbitmqRuns(address); err == nil {
			return address, os.WriteFile(rabbitmqAddress(), []byte(address), 0o600)
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(data, "log")) //nolint:errcheck // the first error matters
			return "", fmt.Errorf("RabbitMQ does not start: %w: %s", err, text)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func configureRabbitMQ(data string, ports [4]int) error {
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	certificate, key, err := selfSigned()
	if err != nil {
		return err
	}
	files := map[string]string{
		"server.crt": certificate, "server.key": key, "plugins": "[rabbitmq_management].",
		"rabbitmq.conf": strings.Join([]string{
			"listeners.tcp.1 = 127.0.0.1:" + strconv.Itoa(ports[0]), "management.tcp.ip = 127.0.0.1", "management.tcp.port = " + strconv.Itoa(ports[1]),
			"listeners.ssl.1 = 127.0.0.1:" + strconv.Itoa(ports[3]), "ssl_options.cacertfile = " + filepath.Join(data, "server.crt"),
			"ssl_options.certfile = " + filepath.Join(data, "server.crt"), "ssl_options.keyfile = " + filepath.Join(data, "server.key"), "",
		}, "\n"),
	}
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(data, name), []byte(content), 0o600))
	}
	return err
}

// selfSigned makes a certificate for 127.0.0.1, which is its own authority, and its key, both as PEM.
func selfSigned() (certificate, key string, err error) {
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		return "", "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), nil
}

// StopRabbitMQ ends the shared server and removes its data.
func StopRabbitMQ() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	servers, err := filepath.Glob(filepath.Join(folder(), "rabbitmq-*"))
	for _, data := range servers {
		err = errors.Join(err, stopServer(filepath.Join(data, "pid")), os.RemoveAll(data))
	}
	return errors.Join(err, os.RemoveAll(rabbitmqAddress()))
}
