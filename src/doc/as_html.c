/* doc/as_html.c - an answer as one page that stands alone: no script, no outside file, and a policy that forbids both, so that a saved
 * page can be opened or sent without a second thought. Reads on a phone, in the dark and on paper.
 *
 * All text is made visible, then escaped; nothing of the answer reaches an attribute but the page's own words and figures. */
#include "base/arena.h"
#include "doc/doc.h"
#include "doc/wrap.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6470;--line:#d5d9df;--paper:#fff;"
    "--good:#1a7f37;--warn:#8a5a00;--bad:#b42318;--bar:#4d7ea8}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b0;--line:#3a424c;"
    "--paper:#15181c;--good:#5bc073;--warn:#e0a84a;--bad:#ff8a7a;--bar:#6fa3cf}}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:64rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.2rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}\n"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}\n"
    ".answer{font-size:1.15rem;font-weight:600}\n"
    ".good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}"
    ".dim{color:var(--soft)}\n"
    ".wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--line);overflow-wrap:break-word}\n"
    "th{font-weight:600;white-space:nowrap}.name{font-weight:400;color:var(--soft)}\n"
    ".right{text-align:right;white-space:nowrap}\n"
    ".bar{min-width:8rem}.bar i{display:block;height:.8rem;margin-top:.35rem;"
    "background:var(--bar);print-color-adjust:exact}\n"
    "pre{overflow-x:auto;padding:.6rem;border:1px solid var(--line);border-radius:4px}\n"
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb}main{max-width:none;"
    "padding:0}pre{white-space:pre-wrap}tr,pre{break-inside:avoid}}\n";

struct page {
    struct buf *to;
    struct arena *arena;
};

static void add_text(struct page *p, const char *text)
{
    const struct str s = wrap_safe(p->arena, text);
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&': buf_add(p->to, S("&amp;")); break;
        case '<': buf_add(p->to, S("&lt;")); break;
        case '>': buf_add(p->to, S("&gt;")); break;
        case '"': buf_add(p->to, S("&quot;")); break;
        case '\'': buf_add(p->to, S("&#39;")); break;
        default: buf_char(p->to, s.p[i]);
        }
    }
}

static const char *class_of(enum tone tone)
{
    static const char *const word[] = {"", "good", "warn", "bad", "dim"};
    return word[tone];
}

static void element(struct page *p, const char *name, const char *class_, const char *text)
{
    buf_format(p->to, *class_ ? "<%s class=\"%s\">" : "<%s>", name, class_);
    add_text(p, text);
    buf_format(p->to, "</%s>", name);
}

static void add_head(struct page *p, const struct block *b)
{
    if (!b->head) return;
    buf_add(p->to, S("<thead><tr>"));
    for (size_t c = 0; c < b->columns; c++)
        element(p, "th", b->align && b->align[c] == ALIGN_RIGHT ? "right" : "", b->head[c]);
    buf_add(p->to, S("</tr></thead>\n"));
}

static void add_bar(struct page *p, const char *share_text)
{
    double share;
    buf_add(p->to, S("<td class=\"bar\">"));
    if (str_f64(str_of(share_text), &share)) {
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        buf_format(p->to, "<i style=\"width:%.1f%%\"></i>", share * 100);
    }
    buf_add(p->to, S("</td>"));
}

static void add_cell(struct page *p, const struct block *b, size_t column, const struct cell *cell)
{
    const bool right =
        b->kind == BLOCK_STACK ? column == 2 : b->align && b->align[column] == ALIGN_RIGHT;
    const char *tone = class_of(cell->tone);
    if (b->kind == BLOCK_STACK && column == 1)
        add_bar(p, cell->text);
    else if (b->kind != BLOCK_TABLE && column == 0)
        element(p, "th", "name", cell->text);
    else
        element(p, "td", right ? str_format(p->arena, "right%s%s", *tone ? " " : "", tone) : tone,
                cell->text);
}

static void add_rows(struct page *p, const struct block *b)
{
    buf_add(p->to, S("<div class=\"wide\"><table>\n"));
    add_head(p, b);
    buf_add(p->to, S("<tbody>\n"));
    for (size_t r = 0; r < b->rows; r++) {
        buf_add(p->to, S("<tr>"));
        for (size_t c = 0; c < b->columns; c++) add_cell(p, b, c, &b->cell[r * b->columns + c]);
        buf_add(p->to, S("</tr>\n"));
    }
    buf_add(p->to, S("</tbody></table></div>\n"));
    if (!b->rows) buf_add(p->to, S("<p class=\"dim\">none</p>\n"));
}

static void add_commands(struct page *p, const struct block *b)
{
    buf_add(p->to, S("<pre><code>"));
    for (size_t r = 0; r < b->rows; r++) {
        if (r) buf_char(p->to, '\n');
        add_text(p, b->cell[r].text);
    }
    buf_add(p->to, S("</code></pre>\n"));
}

static void add_block(struct page *p, const struct block *b)
{
    if (b->kind == BLOCK_ANSWER) {
        const char *tone = class_of(b->tone);
        element(p, "p", str_format(p->arena, "answer%s%s", *tone ? " " : "", tone), b->text);
        buf_char(p->to, '\n');
    } else if (b->kind == BLOCK_NOTE) {
        element(p, "p", class_of(b->tone), b->text);
        buf_char(p->to, '\n');
    } else if (b->title) {
        element(p, b->kind == BLOCK_HEADING ? "h2" : "h3", "", b->title);
        buf_char(p->to, '\n');
    }
    if (b->kind == BLOCK_COMMANDS)
        add_commands(p, b);
    else if (b->kind == BLOCK_TABLE || b->kind == BLOCK_FACTS || b->kind == BLOCK_STACK)
        add_rows(p, b);
}

void doc_as_html(const struct doc *d, const char *title, struct buf *out)
{
    struct page p = {.to = out, .arena = d->arena};
    if (d->title) title = d->title;
    buf_add(out, S("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" "
                   "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"));
    element(&p, "title", "", title);
    buf_add(out, S("\n<style>\n"));
    buf_add(out, str_of(style));
    buf_add(out, S("</style>\n</head>\n<body>\n<main>\n"));
    element(&p, "h1", "", title);
    buf_char(out, '\n');
    for (const struct block *b = d->first; b; b = b->next)
        if (block_shown(b)) add_block(&p, b);
    buf_add(out, S("</main>\n</body>\n</html>\n"));
}
