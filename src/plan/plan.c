#include "plan/plan.h"

#include "base/size.h"

const char *pass_kind_name(enum pass_kind kind)
{
    static const char *const names[N_PASS_KINDS]
        = { [PASS_INTACT] = "intact",  [PASS_OTHER] = "other",     [PASS_MEANS] = "means",
            [PASS_DONORS] = "donors",  [PASS_CONTEXT] = "context", [PASS_VARIANTS] = "variants",
            [PASS_OBSERVE] = "observe" };
    return names[kind];
}

void plan_release(struct plan *p)
{
    arena_release(&p->arena);
    *p = (struct plan){ 0 };
}

bool pass_compares(const struct plan *p, const struct plan_pass *pass)
{
    return p->compares && pass->flags & PASS_WHOLE && !(pass->flags & PASS_TAILS);
}

bool item_is_skipped(const struct plan *p, uint32_t block, uint32_t item)
{
    size_t bit = block * p->n_items + item;
    return p->skipped && p->skipped[bit / 64] >> bit % 64 & 1;
}

struct block_rows pass_rows(const struct plan *p, const struct plan_pass *pass, uint32_t block)
{
    return pass->flags & PASS_FLAT ? p->blocks[block].flat : p->blocks[block].shared;
}

struct copy_rows group_rows(const struct plan *p, const struct plan_group *g, uint32_t block)
{
    const struct plan_pass *pass = pass_of(p, g);
    struct block_rows all = pass_rows(p, pass, block);
    bool tails = pass->flags & PASS_TAILS;
    return (struct copy_rows){ .rows
                               = tails ? p->tail_rows[block * p->n_tails + g->tail] : all.n_nodes,
                               .reads = all.n_reads,
                               .whole_last_layer = pass->flags & PASS_WHOLE };
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

// Copies of a group that carries tails: beside the clean stream, and its k and v in front of them.
static uint32_t tail_copies(const struct plan *p, const struct plan_group *g,
                            const struct memory_budget *left, uint32_t n_nodes, uint32_t n_rows)
{
    size_t fit = stream_rows_that_fit(p->shape, left);
    return least(memory_budget_copies(left, size_left(fit, 2 * (size_t)n_nodes), n_rows), g->n);
}

// Copies of whole rows. pattern: bytes that edits of patterns take.
static uint32_t whole_copies(const struct plan *p, const struct plan_pass *pass,
                             const struct memory_budget *left, uint64_t pattern, uint32_t n_nodes)
{
    struct memory_budget streams = memory_budget_left(*left, pattern);
    size_t fit = stream_rows_that_fit(p->shape, &streams);
    return least(memory_budget_copies(left, size_left(fit, n_nodes), n_nodes),
                 least(pass->widest, MAX_COPIES));
}

static struct plan_room clean_room(const struct plan *p, const struct plan_pass *pass,
                                   uint32_t block)
{
    struct block_rows all = pass_rows(p, pass, block);
    return (struct plan_room){ .bytes = stream_bytes(p->shape, &p->budget, all.n_nodes) };
}

struct plan_room group_room(const struct plan *p, const struct plan_group *g, uint32_t block)
{
    const struct plan_pass *pass = pass_of(p, g);
    if (pass->kind != PASS_VARIANTS)
        return clean_room(p, pass, block);
    struct block_rows all = pass_rows(p, pass, block);
    struct copy_rows copy = group_rows(p, g, block);
    bool tails = pass->flags & PASS_TAILS;
    uint64_t kept = tails ? clean_kv_bytes(p->shape, all.n_nodes) : 0;
    uint64_t pattern = p->edits_patterns && !tails
                           ? count_mul(2 * sizeof(float), count_mul(all.n_edges, p->shape->n_heads))
                           : 0;
    struct memory_budget left
        = memory_budget_left(p->budget, count_add(p->blocks[block].donor_bytes, kept));
    uint32_t waiting = waiting_states(p->shape, all.n_reads, pass->n_items, left.mem);
    uint64_t states = count_mul(waiting, state_bytes(p->shape, all.n_reads));
    left = memory_budget_left(left, states);
    uint32_t copies = tails ? tail_copies(p, g, &left, all.n_nodes, copy.rows)
                            : whole_copies(p, pass, &left, pattern, all.n_nodes);
    uint64_t bytes = count_add(p->blocks[block].donor_bytes, kept);
    bytes = count_add(bytes, count_add(states, pattern));
    bytes = count_add(bytes, stream_bytes(p->shape, &p->budget, all.n_nodes));
    bytes
        = count_add(bytes, stream_bytes(p->shape, &p->budget,
                                        (uint64_t)copies * copy.rows + (tails ? all.n_nodes : 0)));
    return (struct plan_room){ .copies = copies, .waiting = waiting, .bytes = bytes };
}
