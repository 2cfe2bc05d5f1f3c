package org.attune.trainers.parity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// The episodes that TRL ran, as a source of completions.
final class RecordedEpisodes implements RolloutSource {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<JsonNode> lines;
    private final List<JsonNode> prompts;
    private final Set<Integer> ends = new HashSet<>();
    private final boolean told;
    private long current;

    RecordedEpisodes(Path folder, JsonNode config) throws IOException {
        lines = lines(folder.resolve("episodes.jsonl"));
        prompts = lines(folder.resolve("prompts.jsonl"));
        config.get("end_token_ids").forEach(id -> ends.add(id.asInt()));
        told = config.path("sampling_logprobs").asBoolean(false);
    }

    static List<JsonNode> lines(Path file) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    /// The lines of a round.
    List<JsonNode> round(long round) {
        return lines.stream().filter(l -> l.get("generation").asLong() == round).toList();
    }

    /// The lines of the round that was asked for last.
    List<JsonNode> current() {
        return round(current);
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> asked, long round, FinishedListener listener) {
        current = round;
        return round(round).stream().map(this::completion).toList();
    }

    private SampledCompletion completion(JsonNode line) {
        int[] expected = ints(line.get("completion_ids"));
        List<Turn> turns = new ArrayList<>();
        int at = 0;
        for (JsonNode turn : line.get("turns")) {
            turns.add(turn(turn));
            at += turns.getLast().ids().length + turns.getLast().observation().length;
        }
        if (at != expected.length) {
            throw new AssertionError("%d tokens of %d".formatted(at, expected.length));
        }
        JsonNode prompt = prompts.get(line.get("prompt").asInt());
        var episode =
                new Episode(
                        new EpisodeStart(
                                new EpisodeId(current, line.get("row").asInt()), Map.of(), 0, 0, 0),
                        List.of(Message.of("user", "q")),
                        ints(prompt.get("prompt_ids")),
                        turns,
                        EndReason.ANSWERED,
                        Map.of(),
                        Map.of());
        if (!Arrays.equals(expected, episode.completionIds())) {
            throw new AssertionError("other tokens than recorded");
        }
        boolean finished = ends.contains(expected[expected.length - 1]);
        return SampledCompletion.of(
                episode, finished ? StopReason.STOP_TOKEN : StopReason.MAX_TOKENS);
    }

    /// A turn, of which nothing else is kept than the trainer reads.
    private Turn turn(JsonNode turn) {
        int[] ids = new int[0];
        if (turn.has("message")) {
            ids = ints(turn.get("ids"));
            ids = Arrays.copyOf(ids, turn.path("kept").asInt(ids.length));
        }
        boolean dropped = turn.path("dropped").asBoolean(false) || !turn.has("suffix_ids");
        float[] logProbs = new float[ids.length];
        Arrays.fill(logProbs, Float.NaN);
        for (int t = 0; told && t < ids.length; t++) {
            logProbs[t] = turn.get("sampling_logprobs").get(t).floatValue();
        }
        List<ToolOutcome> outcomes = new ArrayList<>();
        for (JsonNode result : turn.path("results")) {
            String text = result.get("content").asText();
            outcomes.add(
                    new ToolOutcome(
                            new ToolCall(
                                    Optional.empty(), result.get("name").asText(), Map.of(), ""),
                            text.startsWith("{'error'")
                                    ? ToolOutcome.Kind.REFUSED
                                    : ToolOutcome.Kind.OK,
                            text,
                            0));
        }
        Optional<ParsedTurn> parsed =
                turn.has("message")
                        ? Optional.of(
                                new ParsedTurn(
                                        Message.of(
                                                "assistant",
                                                turn.get("message").path("content").asText("")),
                                        List.of(),
                                        List.of(),
                                        false))
                        : Optional.empty();
        return new Turn(
                ids,
                logProbs,
                true,
                parsed,
                outcomes,
                List.of(),
                dropped ? new int[0] : ints(turn.get("suffix_ids")),
                0);
    }

    static int[] ints(JsonNode array) {
        return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
    }

    @Override
    public boolean isOnPolicy() {
        return !told;
    }

    /// TRL uses the recorded rounds in the order of their lines.
    @Override
    public Optional<int[]> order(long round) {
        return Optional.of(IntStream.range(0, round(round).size()).toArray());
    }
}
