#include "page_source.h"

#include "../hal/hal.h"

/* HAL_PADDR_NONE is page 0, so the first test lets it through. */
hal_paddr_t page_source_take(const struct page_source *source)
{
    hal_paddr_t page = source->alloc_page(source->ctx);
    if (page % HAL_PAGE_SIZE != 0)
        HAL_PANIC("a page source gave an address that is not the start of a page");
    if (page != HAL_PADDR_NONE)
        hal_zero_pages(page, 1);
    return page;
}

void page_chain_add(struct page_chain *chain, struct page_stage *stage)
{
    struct page_stage **at = &chain->first;
    while (*at != NULL)
        at = &(*at)->next;
    stage->given = stage->in_use = 0;
    stage->next = NULL;
    *at = stage;
}

/* From the first stage that has one. */
hal_paddr_t page_chain_alloc(void *chain)
{
    struct page_stage *s = ((struct page_chain *)chain)->first;
    for (; s != NULL; s = s->next) {
        hal_paddr_t page = s->source.alloc_page(s->source.ctx);
        if (page == HAL_PADDR_NONE)
            continue;
        s->given++;
        s->in_use++;
        return page;
    }
    return HAL_PADDR_NONE;
}

/* To the stage that owns it, closed or not; a stage without `owns` takes everything. */
void page_chain_free(void *chain, hal_paddr_t page)
{
    struct page_stage *s = ((struct page_chain *)chain)->first;
    while (s != NULL && s->owns != NULL && !s->owns(s->source.ctx, page))
        s = s->next;
    if (s != NULL) {
        s->in_use--;
        s->source.free_page(s->source.ctx, page);
        return;
    }
    HAL_PANIC("a table page comes back that no stage of its page source has given");
}
