package org.attune.board;

import org.attune.feedback.FeedbackStore;
import org.attune.feedback.Release;
import org.attune.learn.AnswerSides;
import org.attune.serve.ApiException;
import org.attune.serve.Call;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What users think of answers, and which adapters were let in because of it.
///
/// @param place of the store; empty: there is none
record LearningDesk(Optional<String> place, RunIndex index) {
    /// `GET /api/learning`
    ///
    /// @throws ApiException if the board has no store
    void history(Call call) throws ApiException, IOException {
        if (place.isEmpty()) {
            throw new ApiException(
                    404,
                    "no_store",
                    "this board has no store of feedback; start it with --feedback STORE");
        }
        try (var store = FeedbackStore.open(place.get())) {
            List<Release> releases = store.releases();
            Map<String, Release> current = store.current();
            Map<String, Object> history = new LinkedHashMap<>();
            history.put(
                    "sides", AnswerSides.lines(store.answers(), store.judged(Optional.empty())));
            List<Object> rows = new ArrayList<>();
            for (Release release : releases.reversed()) {
                rows.add(row(release, release.equals(current.get(release.model()))));
            }
            history.put("releases", rows);
            call.json(history);
        }
    }

    private Map<String, Object> row(Release release, boolean isInForce) throws IOException {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("number", (long) release.number());
        row.put("model", release.model());
        row.put("time", release.time().toString());
        row.put("adapter", release.adapter());
        row.put("run", run(release.adapter()).orElse(null));
        row.put("evidence", release.evidence());
        row.put("in_force", isInForce);
        return row;
    }

    /// The id of the run that made an adapter, if the board shows it.
    private Optional<String> run(String adapter) throws IOException {
        return index.all().stream()
                .filter(entry -> entry.folder().toString().equals(adapter))
                .map(RunIndex.Entry::id)
                .findFirst();
    }
}
