/* How llama.cpp leaves the experts of the first layers on the host where it has no option that counts them (before its pull request
 * 15077, b6089), and programs made of it that never got one: a regular expression of tensors' names, and the buffer they go to. The
 * option that counts (--n-cpu-moe) makes such an expression for each layer (v0.5.0 common/arg.cpp); tests/engine/test_override.py holds
 * the two against each other. */
#include "base/arena.h"
#include "verb/common.h"

/* "[0-6]", "3": digits from `low` to `high`. */
static void add_digits(struct buf *b, unsigned low, unsigned high)
{
    if (low == high)
        buf_format(b, "%u", low);
    else
        buf_format(b, "[%u-%u]", low, high);
}

/* Numbers of two digits up to `last`: "[1-3][0-9]|4[0-2]". */
static void add_tens(struct buf *b, unsigned last)
{
    const unsigned tens = last / 10;
    if (tens > 1) {
        add_digits(b, 1, tens - 1);
        buf_add(b, S("[0-9]|"));
    }
    buf_format(b, "%u", tens);
    add_digits(b, 0, last % 10);
}

/* Every whole number below `count`, which is 1 to 1000. */
static void add_numbers_below(struct buf *b, unsigned count)
{
    const unsigned last = count - 1;
    buf_char(b, '(');
    add_digits(b, 0, last < 9 ? last : 9);
    if (last > 9) {
        buf_char(b, '|');
        add_tens(b, last < 99 ? last : 99);
    }
    for (unsigned hundred = 1; hundred <= last / 100; hundred++) {
        const unsigned rest = hundred < last / 100 ? 99 : last % 100;
        buf_format(b, "|%u(0", hundred);
        add_digits(b, 0, rest < 9 ? rest : 9);
        if (rest > 9) {
            buf_char(b, '|');
            add_tens(b, rest);
        }
        buf_char(b, ')');
    }
    buf_char(b, ')');
}

const char *override_words(double layers, struct arena *a)
{
    enum { WORDS_BYTES_MOST = 1024, LAYERS_MOST = 1000 };
    struct buf b;
    if (!(layers >= 1 && layers <= LAYERS_MOST)) return NULL;
    buf_init(&b, WORDS_BYTES_MOST);
    buf_add(&b, S("-ot 'blk\\."));
    add_numbers_below(&b, (unsigned)layers);
    buf_add(&b, S("\\.ffn_(up|down|gate|gate_up)_(ch|)exps=CPU'"));
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}
