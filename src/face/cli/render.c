/* face/cli/render.c - chooses the renderer. JSON is the verb's own document as it stands; a line of JSON is the same document with the
 * line breaks between its values taken out, which inside its texts are always escaped. */
#include "face/cli/render.h"

#include "base/err.h"

bool render_format(const struct request *q, enum format *out, struct mu_err *err)
{
    static const char *const word[] = {"text", "json", "jsonl", "csv", "md", "html"};
    const char *given = request_text(q, "format");
    const bool json = request_flag(q, "json");
    enum format format = json ? FORMAT_JSON : FORMAT_TEXT;
    for (size_t i = 0; given && i < COUNT_OF(word); i++)
        if (str_is(str_of(given), word[i])) format = (enum format)i;
    if (json && format != FORMAT_JSON)
        return err_set(err, MU_USAGE, "--json and --format %s ask for two formats; leave one out",
                       given);
    *out = format;
    return true;
}

static void on_one_line(struct str json, struct buf *out)
{
    bool inside = false;
    for (size_t i = 0; i < json.n; i++) {
        const char c = json.p[i];
        if (c == '\n') {
            while (i + 1 < json.n && json.p[i + 1] == ' ') i++;
            if (i > 0 && out->n && out->p[out->n - 1] == ',') buf_char(out, ' ');
            continue;
        }
        if (c == '"') inside = !inside;
        buf_char(out, c);
        if (inside && c == '\\' && i + 1 < json.n) buf_char(out, json.p[++i]);
    }
}

void render_answer(const struct answer *answer, enum format format, struct text_style style,
                   const char *title, struct buf *out)
{
    switch (format) {
    case FORMAT_TEXT: doc_as_text(&answer->doc, style, out); break;
    case FORMAT_CSV: doc_as_csv(&answer->doc, out); break;
    case FORMAT_MD: doc_as_markdown(&answer->doc, out); break;
    case FORMAT_HTML: doc_as_html(&answer->doc, title, out); break;
    case FORMAT_JSON:
        buf_add(out, buf_text(&answer->json));
        buf_char(out, '\n');
        break;
    case FORMAT_JSONL:
        on_one_line(buf_text(&answer->json), out);
        buf_char(out, '\n');
        break;
    }
}
