/*
 * op_backups.c - GET /backups.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"

bool op_backups(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct backup_infos backups = { 0 };
    json_t *object = NULL;
    json_t *array = NULL;

    if (!backend->backup_list(backend->data, &request->arena, &backups, err))
        return false;
    object = json_object();
    array = json_array();
    for (size_t i = 0; i < backups.count; i++)
        json_push(&array, json_of_backup(&backups.items[i]));
    json_put(&object, "backups", array);
    return request_answer_json(request, MHD_HTTP_OK, object, err);
}
