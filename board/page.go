package board

// The limits of one page.
const (
	PageCountMax     = 1000
	PageCountDefault = 50
	PageSizeMax      = 1 << 20 // bytes of articles; one larger article still makes a page
)

// Query says which articles a page lists. They come by rising id.
type Query struct {
	All   bool      // every article; otherwise only the direct replies of Under
	Under ArticleID // zero: the roots
	After ArticleID // only those above; zero: from the first
	Since Vector    // only those beyond; empty: all
	UpTo  Vector    // nothing that this vector does not hold
	Count int       // at most so many; 0: PageCountDefault
}

// Limit returns how many entries a page of q may have.
func (q *Query) Limit() int {
	if q.Count <= 0 {
		return PageCountDefault
	}
	return min(q.Count, PageCountMax)
}

// Entry is an article as a page lists it.
type Entry struct {
	Article
	Replies int // direct replies within the page's vector
}

// Page is one page of articles.
type Page struct {
	Entries []Entry
	More    bool // there are more above the last entry
}

// Size is about how many bytes the article takes in an answer.
func (a *Article) Size() int { return len(a.Author) + len(a.Title) + len(a.Body) + 64 }
