package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/net/netutil"
)

//go:embed assets templates
var files embed.FS

// Server is the web client of one cluster.
type Server struct {
	config   Config
	cluster  *cluster
	visitors *visitors
	feeds    *feeds
	watches  *watches
	pages    *pages
	cookie   string // its name
	handlers sync.WaitGroup
	top      seqMax
}

// New makes a server; it runs once.
func New(config Config) (*Server, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	cluster := newCluster(config.Source)
	s := &Server{
		config: config, pages: pages,
		cluster: cluster, feeds: newFeeds(cluster),
		visitors: newVisitors(config.Key),
	}
	s.watches = newWatches(cluster, s.renderCluster)
	return s, nil
}

// Run serves l until ctx ends, and closes it. Streams end at once then, answers
// on their way within a second; nothing is left. An error is l's.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.cookie, s.feeds.ctx, s.cluster.ctx, s.watches.ctx = cookieName(l.Addr()), ctx, ctx, ctx
	server := &http.Server{
		Handler:           s.count(newGuard(l.Addr(), s.routes())),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerSizeMax,
		ErrorLog:       slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(l, connectionsMax)) }()
	var err error
	select {
	case <-ctx.Done():
		cancel()
		s.shutDown(server)
		err = <-ended
	case err = <-ended:
		cancel()
		s.shutDown(server)
	}
	s.handlers.Wait()
	s.feeds.running.Wait()
	s.watches.running.Wait()
	s.cluster.close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close() // of connections that are given up
	}
}

// count lets Run wait for requests that are under way.
func (s *Server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Done()
		next.ServeHTTP(w, r)
	})
}

// cookieName has the port: browsers do not keep the cookies of one machine's
// ports apart.
func cookieName(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return "consequor-" + port
}

// routes are all the paths there are.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.visit(onFront))
	mux.HandleFunc("GET /a/{id}", s.visit(onArticle))
	mux.HandleFunc("GET /post", s.visit(onPostForm))
	mux.HandleFunc("POST /post", s.submit(onPost))
	mux.HandleFunc("POST /a/{id}/reply", s.submit(onReply))
	mux.HandleFunc("POST /sync", s.submit(onSync))
	mux.HandleFunc("POST /name", s.submit(onName))
	mux.HandleFunc("POST /replica", s.submit(onReplica))
	mux.HandleFunc("GET /a/{id}/reply", func(w http.ResponseWriter, r *http.Request) { // a form that came back, loaded again
		http.Redirect(w, r, "/a/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /events", s.visit(onEvents))
	mux.HandleFunc("GET /cluster", s.visit(onCluster))
	mux.HandleFunc("GET /cluster/events", s.visit(onClusterEvents))
	mux.HandleFunc("GET /cluster/confirm", s.visit(controlled(onConfirm)))
	mux.HandleFunc("POST /cluster/do", s.submit(controlled(onDo)))
	mux.HandleFunc("GET /compare", s.visit(onCompare))
	mux.HandleFunc("GET /assets/{name}", s.onAsset)
	s.routeAPI(mux)
	mux.HandleFunc("/", s.visit(onNowhere))
	return mux
}

// onAsset serves one of our own files. Pages name them with their sum, so a
// browser may keep them.
func (s *Server) onAsset(w http.ResponseWriter, r *http.Request) {
	asset, ok := s.pages.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", asset.kind)
	if r.URL.Query().Get("v") == asset.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, "", started, strings.NewReader(asset.text))
}
