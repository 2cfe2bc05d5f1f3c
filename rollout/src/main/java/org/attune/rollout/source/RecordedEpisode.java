package org.attune.rollout.source;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.rollout.RolloutPrompt;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// An episode as the value of `episode` in a line of [RecordedCompletion], so that a replay judges
/// and learns as the recorded run did. How long calls took isn't kept: the same run gives the same
/// bytes.
/// ```
/// {"place": 0, "member": 0, "attempt": 0, "seed": 7, "row": {…}, "prompt": [message, …],
///  "turns": [{"ids": […], "finished": true, "message": {…}, "calls": [{"name", "arguments",
///             "raw", "id"}], "outcomes": [{"call", "kind", "text"}], "answers": [message, …],
///             "observation": […], "reward": 0.0}],
///  "end": "answered", "rewards": {"Counter": 1.0}, "state": {…}}
/// ```
/// `problems` and `fallback` of a turn are there where they say something, and `context` where its
/// history was rendered anew, or another conversation goes on; `role` and `conversation` where an
/// environment has roles.
final class RecordedEpisode {
    private RecordedEpisode() {}

    static String json(Episode episode) {
        EpisodeStart start = episode.start();
        var value = new LinkedHashMap<String, Object>();
        value.put("place", start.id().place());
        value.put("member", start.member());
        value.put("attempt", start.attempt());
        value.put("seed", start.seed());
        value.put("row", start.row());
        value.put("prompt", fields(episode.prompt()));
        value.put("turns", episode.turns().stream().map(RecordedEpisode::turn).toList());
        value.put("end", episode.end().key());
        var rewards = new LinkedHashMap<String, Object>();
        episode.rewards()
                .forEach((name, r) -> rewards.put(name, r.isPresent() ? r.getAsDouble() : null));
        value.put("rewards", rewards);
        value.put("state", episode.state());
        return Json.inUtf8(Json.write(finite(value)));
    }

    private static Map<String, Object> turn(Turn turn) {
        var value = new LinkedHashMap<String, Object>();
        value.put("ids", Arrays.stream(turn.ids()).boxed().toList());
        value.put("finished", turn.isFinished());
        turn.parsed()
                .ifPresent(
                        parsed -> {
                            value.put("message", parsed.message().fields());
                            value.put("calls", parsed.calls().stream().map(c -> call(c)).toList());
                            if (!parsed.problems().isEmpty()) {
                                value.put("problems", parsed.problems());
                            }
                            if (parsed.isFallback()) {
                                value.put("fallback", true);
                            }
                        });
        List<Object> outcomes = new ArrayList<>();
        for (ToolOutcome outcome : turn.outcomes()) {
            var one = new LinkedHashMap<String, Object>();
            one.put("call", call(outcome.call()));
            one.put("kind", outcome.kind().name().toLowerCase(Locale.ROOT));
            one.put("text", outcome.text());
            outcomes.add(one);
        }
        value.put("outcomes", outcomes);
        value.put("answers", fields(turn.answers()));
        value.put("observation", Arrays.stream(turn.observation()).boxed().toList());
        value.put("reward", turn.reward());
        turn.context().ifPresent(c -> value.put("context", Arrays.stream(c).boxed().toList()));
        if (!turn.role().isEmpty()) {
            value.put("role", turn.role());
            value.put("conversation", turn.conversation());
        }
        return value;
    }

    private static Map<String, Object> call(ToolCall call) {
        var value = new LinkedHashMap<String, Object>();
        call.id().ifPresent(id -> value.put("id", id));
        value.put("name", call.name());
        value.put("arguments", call.arguments());
        value.put("raw", call.raw());
        return value;
    }

    private static List<Map<String, Object>> fields(List<Message> messages) {
        return messages.stream().map(Message::fields).toList();
    }

    /// Numbers that JSON doesn't have, which a model may write in a call, as texts.
    private static Object finite(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                var copy = new LinkedHashMap<String, Object>();
                map.forEach((key, inner) -> copy.put(String.valueOf(key), finite(inner)));
                yield copy;
            }
            case List<?> list -> {
                var copy = new ArrayList<Object>();
                list.forEach(inner -> copy.add(finite(inner)));
                yield copy;
            }
            case Double number when !Double.isFinite(number) -> number.toString();
            case Integer number -> number.longValue();
            case null, default -> value;
        };
    }

    /// Whether an episode is of a row.
    static boolean isOf(Episode episode, RolloutPrompt prompt) {
        return Json.write(finite(episode.start().row()))
                .equals(Json.write(finite(prompt.columns())));
    }

    /// @param text of the value
    /// @param round that the line names
    /// @param prompt its tokens
    /// @param logProbs of the tokens behind the prompt; of an episode that failed not all are kept
    /// @throws RolloutException if it isn't what [#json] writes
    static Episode parse(String text, long round, int[] prompt, float[] logProbs) {
        try {
            Map<String, Object> value = object(Json.parseAsPython(text));
            var start =
                    new EpisodeStart(
                            new EpisodeId(round, number(value, "place").intValue()),
                            object(value.get("row")),
                            number(value, "seed").longValue(),
                            number(value, "member").intValue(),
                            number(value, "attempt").intValue());
            List<Turn> turns = new ArrayList<>();
            int at = 0;
            for (Object turn : list(value.get("turns"))) {
                turns.add(turn(object(turn), logProbs, at));
                at += turns.getLast().ids().length + turns.getLast().observation().length;
            }
            Map<String, OptionalDouble> rewards = new LinkedHashMap<>();
            object(value.get("rewards")).forEach((name, r) -> rewards.put(name, reward(r)));
            return new Episode(
                    start,
                    messages(value.get("prompt")),
                    prompt,
                    turns,
                    EndReason.valueOf(String.valueOf(value.get("end")).toUpperCase(Locale.ROOT)),
                    rewards,
                    object(value.get("state")));
        } catch (RuntimeException e) {
            throw new RolloutException(
                    "episode can't be read: %s; accepted: what record_rollouts writes"
                            .formatted(e.getMessage()),
                    e);
        }
    }

    private static Turn turn(Map<String, Object> value, float[] logProbs, int from) {
        int[] ids = ints(value.get("ids"));
        float[] own = new float[ids.length];
        for (int t = 0; t < own.length; t++) {
            own[t] = from + t < logProbs.length ? logProbs[from + t] : Float.NaN;
        }
        Optional<ParsedTurn> parsed =
                value.get("message") == null
                        ? Optional.empty()
                        : Optional.of(
                                new ParsedTurn(
                                        new Message(object(value.get("message"))),
                                        list(value.get("calls")).stream()
                                                .map(RecordedEpisode::toCall)
                                                .toList(),
                                        list(value.getOrDefault("problems", List.of())).stream()
                                                .map(String::valueOf)
                                                .toList(),
                                        Boolean.TRUE.equals(value.get("fallback"))));
        return new Turn(
                ids,
                own,
                Boolean.TRUE.equals(value.get("finished")),
                parsed,
                list(value.get("outcomes")).stream().map(RecordedEpisode::outcome).toList(),
                messages(value.get("answers")),
                ints(value.get("observation")),
                number(value, "reward").doubleValue(),
                Optional.ofNullable(value.get("context")).map(RecordedEpisode::ints),
                String.valueOf(value.getOrDefault("role", "")),
                value.containsKey("conversation") ? number(value, "conversation").intValue() : 0);
    }

    private static ToolCall toCall(Object value) {
        Map<String, Object> call = object(value);
        return new ToolCall(
                Optional.ofNullable((String) call.get("id")),
                (String) call.get("name"),
                call.get("arguments"),
                (String) call.get("raw"));
    }

    private static ToolOutcome outcome(Object value) {
        Map<String, Object> outcome = object(value);
        return new ToolOutcome(
                toCall(outcome.get("call")),
                ToolOutcome.Kind.valueOf(
                        String.valueOf(outcome.get("kind")).toUpperCase(Locale.ROOT)),
                (String) outcome.get("text"),
                0);
    }

    private static OptionalDouble reward(Object value) {
        return value instanceof Number number
                ? OptionalDouble.of(number.doubleValue())
                : OptionalDouble.empty();
    }

    private static List<Message> messages(Object value) {
        return list(value).stream().map(m -> new Message(object(m))).toList();
    }

    private static int[] ints(Object value) {
        return list(value).stream().mapToInt(v -> Math.toIntExact((Long) v)).toArray();
    }

    private static Number number(Map<String, Object> value, String key) {
        if (value.get(key) instanceof Number number) {
            return number;
        }
        throw new IllegalArgumentException(key + " is no number");
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Map<String, Object> object(Object value) {
        if (value instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        throw new IllegalArgumentException(value + " is no object");
    }

    private static List<?> list(Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        throw new IllegalArgumentException(value + " is no list");
    }
}
