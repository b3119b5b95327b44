package web

import (
	"fmt"
	"math"
	"strconv"

	"consequor/supervisor"
)

// The measures of the drawing, in its own units. Up to cardsMax replicas are
// cards, more are dots; more than linkReplicasMax are not drawn.
const (
	cardsMax               = 7
	cardWidth, cardHeight  = 104, 62
	dotSize                = 15
	ringRadius             = 150
	linkApart              = 5 // of a link's two directions, from its middle
	ratesDrawnMax          = 5 // replicas; with more, the table alone has the rates
	zerosDrawnMax          = 3 // replicas; with more, links on which nothing comes have no figure
	letterWide             = 7 // about, in a text on a link
	marginAside, marginTop = cardWidth/2 + 6, cardHeight/2 + 6
)

// num is a coordinate.
type num float64

func (n num) String() string { return strconv.FormatFloat(float64(n), 'f', 1, 64) }

// ring is the drawing of a cluster.
type ring struct {
	Width, Height num
	Label         string
	Nodes         []node
	Lines         []line
}

// node is a replica.
type node struct {
	X, Y          num // middle
	Left, Top     num
	Wide, High    num
	Name          string
	Class         string
	Role, Figures string // empty: there is no room
	RoleY, FigY   num
	Title         string
}

// line is one direction of a link.
type line struct {
	X1, Y1, X2, Y2 num
	Class          string
	Arrow          string // points
	Title          string
	Rate           string
	RX, RY         num
	Mark           string // of a fault, in its middle
	MX, MY         num
	Anchor         string // of the texts: where they grow from
}

type point struct{ x, y float64 }

// drawRing places the replicas on a circle, the first at the top.
func drawRing(f *facts) *ring {
	n := len(f.status.Replicas)
	if n == 0 || n > linkReplicasMax {
		return nil
	}
	places := placesOf(n)
	right, bottom := 0.0, 0.0
	for _, p := range places {
		right, bottom = max(right, p.x), max(bottom, p.y)
	}
	r := &ring{Width: num(right + marginAside), Height: num(bottom + marginTop)}
	r.Label = fmt.Sprintf("%d replicas and their links; the tables below say the same", n)
	at := make(map[string]point)
	for i := range f.status.Replicas {
		at[f.status.Replicas[i].Name] = places[i]
		r.Nodes = append(r.Nodes, nodeOf(&f.status.Replicas[i], places[i], n))
	}
	for _, l := range linkRows(f, true) {
		d := lineOfLink(&l, at[l.From], at[l.To], n)
		d.keepWithin(r.Width)
		r.Lines = append(r.Lines, d)
	}
	return r
}

func placesOf(n int) []point {
	switch n {
	case 1:
		return []point{{marginAside, marginTop}}
	case 2:
		return []point{{marginAside, marginTop}, {marginAside + 2*ringRadius, marginTop}}
	}
	places := make([]point, n)
	left, top := math.Inf(1), math.Inf(1)
	for i := range places {
		angle := 2 * math.Pi * float64(i) / float64(n)
		places[i] = point{ringRadius * math.Sin(angle), -ringRadius * math.Cos(angle)}
		left, top = min(left, places[i].x), min(top, places[i].y)
	}
	for i := range places {
		places[i].x += marginAside - left
		places[i].y += marginTop - top
	}
	return places
}

func nodeOf(r *supervisor.ReplicaStatus, at point, n int) node {
	d := node{X: num(at.x), Y: num(at.y), Name: r.Name, Class: "node " + string(r.State)}
	if r.Role == "coordinator" {
		d.Class += " coordinator"
	}
	d.Wide, d.High = cardWidth, cardHeight
	if n > cardsMax {
		d.Wide, d.High = 2*dotSize, 2*dotSize
	} else {
		d.Role, d.Figures = string(r.State), fmt.Sprintf("%d articles", r.Articles)
		if r.State == supervisor.StateServing && r.Role != "" {
			d.Role = r.Role
		}
		if r.Behind > 0 {
			d.Figures = fmt.Sprintf("%d, behind %d", r.Articles, r.Behind)
		}
		d.RoleY, d.FigY = d.Y+5, d.Y+21
	}
	d.Left, d.Top = d.X-d.Wide/2, d.Y-d.High/2
	d.Title = fmt.Sprintf("%s: %s %s, %d articles, behind by %d", r.Name, r.State, r.Role, r.Articles, r.Behind)
	return d
}

// NameY is where the name's line is.
func (d node) NameY() num {
	if d.Role == "" {
		return d.Y + 4
	}
	return d.Y - 12
}

// lineOfLink draws a direction beside the middle of its link, on the right of
// who goes there.
func lineOfLink(l *linkRow, from, to point, n int) line {
	long := math.Hypot(to.x-from.x, to.y-from.y)
	dx, dy := (to.x-from.x)/long, (to.y-from.y)/long
	along := func(way, aside float64) point { return point{from.x + dx*way - dy*aside, from.y + dy*way + dx*aside} }
	off, end := edge(dx, dy, n), long-edge(dx, dy, n)
	a, b := along(off, linkApart), along(end, linkApart)
	d := line{Anchor: "middle", X1: num(a.x), Y1: num(a.y), X2: num(b.x), Y2: num(b.y), Class: "link " + l.Class, Title: l.title()}
	tip, left, right := along(end, linkApart), along(end-8, linkApart-4), along(end-8, linkApart+4)
	d.Arrow = fmt.Sprintf("%.1f,%.1f %.1f,%.1f %.1f,%.1f", tip.x, tip.y, left.x, left.y, right.x, right.y)
	if n <= ratesDrawnMax && l.Rate != "" && l.Class == "up" && (l.Rate != "0" || n <= zerosDrawnMax) {
		p := along(off+(end-off)*0.3, linkApart+12)
		d.Rate, d.RX, d.RY = l.Rate, num(p.x), num(p.y+4)
		d.Anchor = anchorOf(-dy)
	}
	if l.Fault != "" {
		p := along((off+end)/2-14, linkApart)
		d.Mark, d.MX, d.MY = "✕", num(p.x), num(p.y+5)
		if !l.Cut {
			p = along(off+(end-off)*0.3, linkApart+12)
			d.Mark, d.MX, d.MY = l.Fault, num(p.x), num(p.y+4)
			if n <= zerosDrawnMax && l.Rate != "" {
				d.Mark += ", " + l.Rate + "/s"
			}
			d.Anchor = anchorOf(-dy)
		}
	}
	return d
}

// keepWithin moves a fault's words to where they can be read whole.
func (d *line) keepWithin(width num) {
	wide := num(letterWide * len([]rune(d.Mark)))
	switch d.Anchor {
	case "end":
		d.MX = max(d.MX, wide)
	case "start":
		d.MX = min(d.MX, width-wide)
	}
}

// anchorOf has a text grow away from the line that it stands beside.
func anchorOf(aside float64) string {
	switch {
	case aside > 0.3:
		return "start"
	case aside < -0.3:
		return "end"
	}
	return "middle"
}

// edge is how far a node reaches from its middle in a direction.
func edge(dx, dy float64, n int) float64 {
	if n > cardsMax {
		return dotSize + 3
	}
	return min((cardWidth/2+3)/max(math.Abs(dx), 1e-9), (cardHeight/2+3)/max(math.Abs(dy), 1e-9))
}
