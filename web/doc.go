// Package web is the board in a browser: server-rendered pages for the five
// requests, which work without JavaScript, and a stream that tells of new
// articles; and the living cluster, which can be broken and mended from there.
//
//	browser ── HTTP, loopback ──> guard ──> pages ──> visitor ──> api.Client ──> replicas
//	   │                          Host      board     session's      │
//	   │                          Origin    thread    token          └── sessions, keys, outcomes as
//	   │                          form      post, reply, sync             for any client (package api)
//	   │                          token        │
//	   │                                       └── Source: supervisor, or addresses alone
//	   └── /events <── follower of a replica, one for all its streams
//	   └── /cluster/events <── watch of the supervisor, one for all its streams
//
// # Who is trusted
//
// Whoever can reach the listener may read and post: it is on loopback, and names
// are self-declared, as everywhere on this board. Nobody else may: a page from
// elsewhere, in the same browser, can neither ask (Host and Origin must be
// ours) nor send a form (it needs a token of the visitor's). Other servers on this
// machine share the browser's cookies, ports do not keep them apart; so a cookie
// is signed, and what a form needs cannot be had from it.
//
// Articles are not trusted at all. Titles and names go through html/template;
// bodies are Markdown without HTML, whose tags are shown as the text that they
// are, and what comes of it passes a list of what is allowed. No image is
// fetched. Should something slip through, the content security policy lets
// nothing run that is not one of our own files.
//
// # Who may control
//
// To look at the cluster is as free as to read. To kill, cut or swap needs a
// token, which is made anew at each start and stands in an address that only the
// owner of the cluster's home is told (up prints it, and status). A browser that
// opens it has a cookie from then on, which is worth something for this
// browser's session and this start alone, and every deed is a form of that
// session. What is left: another program of this machine that gets the browser
// to visit it, on any port of the same address, is sent the cookies too.
//
// The cluster's page has one watch of the supervisor for all who look at it: the
// server draws it, and each stream brings the drawing whenever it has changed.
// Where no supervisor is known, the page shows what replicas tell any client.
//
// # What a visitor has
//
// A cookie with a session's id, the name, the chosen replica, and the session's
// token: what it has read and written, without which a read at another replica
// could go back. The server joins tokens in memory, so answers that overtake each
// other lose nothing; the cookie is what lasts when the server is started
// again, as it is kept by the browser and signed with a key that Config brings.
//
// A form to post has its key from the moment it is shown. Whatever is done with
// it (sent twice, sent again after no answer, sent again from the browser's
// history), it makes one article.
//
// # Without a browser
//
// The five requests and the status are there as JSON, field by field the command
// line's, and the board and each thread as Atom feeds. Errors are the command
// line's as well, with an HTTP status: 409 refused, 404 no such article, 400
// usage, 503 nobody is there, 504 unknown, with the key that makes a retry safe.
//
//	curl 'http://127.0.0.1:7080/api/read?n=5&at=r2'
//	curl http://127.0.0.1:7080/api/choose/17
//	curl http://127.0.0.1:7080/api/post -H 'Content-Type: application/json' -d '{"author":"alice","title":"First","body":"Hello"}'
//	curl http://127.0.0.1:7080/api/reply/17 -H 'Content-Type: application/json' -d '{"author":"bob","body":"Hello, alice"}'
//	curl http://127.0.0.1:7080/api/sync -H 'Content-Type: application/json' -d '{"at":"r2"}'
//	curl http://127.0.0.1:7080/api/status
//	curl http://127.0.0.1:7080/feed.atom http://127.0.0.1:7080/feed/17.atom
//
// The API has no cookies: who wants a session sends, as token, the session of the
// answer before. Its whole is in /api/openapi.json, which is tested against the
// handlers.
//
// # Newest first
//
// Replicas list articles by rising id. The newest page is had by beginning to
// list a little below the highest seq that is known, and again from further
// below as long as too few articles come: one or two requests on a board of any
// size, answered by the visitor's replica with its promise; nothing is kept here.
// A search goes the same way, and says how far it came.
package web
