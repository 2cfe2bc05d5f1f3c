package org.attune.serve;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Answers with a part of a list, as OpenAI's lists are asked for: `after` an id, `limit` of them.
final class TuningPage {
    private static final int MOST = 10_000;

    private TuningPage() {}

    /// @param all entries with an `id`
    static void answer(Call call, List<? extends Map<String, Object>> all)
            throws ApiException, IOException {
        int limit = limit(call.query("limit"));
        Optional<String> after = call.query("after");
        int from = 0;
        if (after.isPresent()) {
            from = all.stream().map(e -> e.get("id")).toList().indexOf(after.get()) + 1;
        }
        List<? extends Map<String, Object>> page =
                all.subList(from, Math.min(all.size(), from + limit));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("object", "list");
        answer.put("data", page);
        answer.put("has_more", from + limit < all.size());
        if (!page.isEmpty()) {
            answer.put("first_id", page.getFirst().get("id"));
            answer.put("last_id", page.getLast().get("id"));
        }
        call.json(answer);
    }

    private static int limit(Optional<String> asked) throws ApiException {
        if (asked.isEmpty()) {
            return MOST;
        }
        if (!asked.get().matches("[1-9]\\d{0,3}")) {
            throw ApiException.bad(
                    "limit", "\"limit\" is %s; accepted: 1 to 9999".formatted(asked.get()));
        }
        return Integer.parseInt(asked.get());
    }
}
