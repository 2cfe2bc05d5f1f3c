package org.attune.reward.external;

import org.attune.episode.Episode;
import org.attune.episode.Turn;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// An episode as programs that reward are told of it.
final class ToldEpisode {
    private ToldEpisode() {}

    /// JSON values: `end`, `turns` and `state`.
    static Map<String, Object> fields(Episode episode) {
        List<Map<String, Object>> turns = new ArrayList<>();
        for (Turn turn : episode.turns()) {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("message", turn.parsed().map(p -> p.message().fields()).orElse(null));
            fields.put(
                    "outcomes",
                    turn.outcomes().stream()
                            .map(outcome -> outcome.kind().name().toLowerCase(Locale.ROOT))
                            .toList());
            fields.put("answers", fields(turn.answers()));
            fields.put("reward", turn.reward());
            turns.add(fields);
        }
        var told = new LinkedHashMap<String, Object>();
        told.put("end", episode.end().key());
        told.put("turns", turns);
        told.put("state", episode.state());
        return told;
    }

    static List<Map<String, Object>> fields(List<Message> messages) {
        return messages.stream().map(Message::fields).toList();
    }
}
