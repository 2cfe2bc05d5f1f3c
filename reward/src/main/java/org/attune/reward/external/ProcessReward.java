package org.attune.reward.external;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.StopRequest;
import org.attune.json.Json;
import org.attune.program.LineProgram;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardAnswerException;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardUnavailableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// A reward computed by a program, in Python say, that is started once and speaks JSON lines.
///
/// For every call it reads one line from its standard input:
/// ```
/// {"prompts": ["2 + 2 ="], "completions": [" 4"], "completion_ids": [[220, 19]],
///  "columns": {"answer": ["4"]}}
/// ```
/// and writes one line to its standard output, then flushes it:
/// ```
/// {"rewards": [1.0]}
/// ```
/// `rewards` has one entry per completion, in order: a number, `true` or `false` for 1 and 0, or
/// null for "doesn't apply"; of an episode it may be a list, a number for each of its turns. For
/// conversations `prompt_messages` and `completion_messages` hold the turns, each a list of
/// messages. For episodes `episodes` holds what became of each, null for completions that are
/// none: `end`, `state`, and `turns` with `message`, `outcomes`, `answers` and `reward`.
///
/// The answer may also have `metrics` (numbers by name, for the training log), `extras` (further
/// columns for the table of completions, each a list), or only `error` (a text): then the
/// completions get no reward. Output lines that are no such object, and standard error, go to the
/// log, of each the first 200 lines of a call, but not what it says when the run is being stopped:
/// Ctrl-C reaches it too. An answer has at most 16 MiB. At the end standard input is closed.
/// ```
/// import json, sys
/// for line in sys.stdin:
///     batch = json.loads(line)
///     rewards = [float("please" in text) for text in batch["completions"]]
///     print(json.dumps({"rewards": rewards}), flush=True)
/// ```
///
/// The program is killed, with its children, when it gives no answer in time. It is started again
/// for the next call when it died or was killed, unless that happened too often in a row.
/// Thread-safe; one call at a time.
public final class ProcessReward implements RewardFunction, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ProcessReward.class);
    private static final String EXPECTED =
            "; it must read a line of JSON for each call until its input ends, and print one for"
                    + " it at once, {\"rewards\": [1.0, null, …]}, with a number or null for each"
                    + " of \"completions\" (docs/rewards.md#your-own)";

    private final String name;
    private final List<String> command;
    private final String shown;
    private final String expected;
    private final Path directory;
    private final Map<String, String> environment;
    private final RewardLimits limits;
    private volatile LineProgram program;
    private boolean everAnswered;
    private int failuresInARow;
    private String lastFailure = "";
    private volatile boolean closed;

    /// Starts nothing yet.
    ///
    /// @param name in metrics
    /// @param command program and arguments
    /// @param directory in which it runs
    /// @param environment its variables beside those of this process
    /// @param limits of the time for one answer, and of how many deaths or missing answers in a
    ///     row it may have before it isn't started again
    public ProcessReward(
            String name,
            List<String> command,
            Path directory,
            Map<String, String> environment,
            RewardLimits limits) {
        this(name, command, command.toString(), EXPECTED, directory, environment, limits);
    }

    /// A reward from a program that messages call by another name than its command.
    ///
    /// @param shown what messages call the program
    /// @param expected ends the message where it never answers and doesn't say why
    ProcessReward(
            String name,
            List<String> command,
            String shown,
            String expected,
            Path directory,
            Map<String, String> environment,
            RewardLimits limits) {
        if (command.isEmpty()) {
            throw new IllegalArgumentException("command must name a program, got []");
        }
        this.name = name;
        this.command = List.copyOf(command);
        this.shown = shown;
        this.expected = expected;
        this.directory = directory;
        this.environment = Map.copyOf(environment);
        this.limits = limits;
    }

    @Override
    public String name() {
        return name;
    }

    /// A program gets all completions of a round at once, as reward functions of TRL do.
    @Override
    public boolean wholeRound() {
        return true;
    }

    @Override
    public int concurrency() {
        return 1;
    }

    /// @throws RewardUnavailableException if the program can't be started, dies, says nothing in
    ///     time, or is given up
    /// @throws RewardAnswerException if the program answers with `error`, or with no rewards
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return rewards(ask(request(batch), limits.timeout(batch.size())), batch);
    }

    /// Asks for one answer, which has `rewards` or `error`.
    ///
    /// @throws RewardUnavailableException if there is none
    synchronized JsonNode ask(Map<String, Object> request, Duration timeout) {
        if (closed) {
            throw new RewardUnavailableException("the reward is closed");
        }
        if (failuresInARow >= limits.strikes()) {
            throw new RewardUnavailableException(
                    "%s and is not started again after %d failures in a row"
                            .formatted(lastFailure, failuresInARow));
        }
        try {
            if (program == null) {
                program = LineProgram.start(name, command, directory, environment);
            }
            JsonNode answer = exchange(Json.MAPPER.writeValueAsString(request), timeout);
            failuresInARow = 0;
            everAnswered = true;
            return answer;
        } catch (IOException e) {
            boolean unaware = program != null && !everAnswered && !program.hasToldWhy();
            throw failed(e.getMessage() + (unaware ? expected : ""), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed("was interrupted while it computed, and killed", e);
        }
    }

    private JsonNode exchange(String request, Duration timeout)
            throws IOException, InterruptedException {
        program.send(request, StopRequest.current());
        long deadline = System.nanoTime() + timeout.toNanos();
        for (int printed = 0; ; printed++) {
            // a program that prints on and on has always a line at hand
            String line = program.receive(Duration.ofNanos(deadline - System.nanoTime()));
            JsonNode answer = parse(line);
            if (answer != null && (answer.has("rewards") || answer.has("error"))) {
                return answer;
            }
            program.show(line, printed);
        }
    }

    private static JsonNode parse(String line) {
        try {
            return Json.WITH_NAN.readTree(line);
        } catch (JsonProcessingException e) {
            return null; // something the program printed
        }
    }

    private RewardUnavailableException failed(String what, Exception cause) {
        if (program != null) {
            program.kill();
            program = null;
        }
        failuresInARow++;
        String message = "%s %s".formatted(shown, what);
        lastFailure = message;
        if (failuresInARow == limits.strikes()) {
            log.error(
                    "reward \"{}\": {}. That is {} times in a row; it is not started again.",
                    name,
                    message,
                    limits.strikes());
        }
        return new RewardUnavailableException(message, cause);
    }

    private static Map<String, Object> request(RewardBatch batch) {
        var request = new LinkedHashMap<String, Object>();
        request.put("prompts", batch.prompts().stream().map(Prompt::text).toList());
        request.put("completions", batch.completions().stream().map(Completion::text).toList());
        request.put(
                "completion_ids", batch.completions().stream().map(Completion::tokens).toList());
        if (batch.prompts().stream().anyMatch(prompt -> !prompt.messages().isEmpty())) {
            request.put(
                    "prompt_messages",
                    batch.prompts().stream()
                            .map(prompt -> ToldEpisode.fields(prompt.messages()))
                            .toList());
            request.put(
                    "completion_messages",
                    batch.completions().stream()
                            .map(completion -> ToldEpisode.fields(completion.messages()))
                            .toList());
        }
        if (batch.completions().stream().anyMatch(c -> c.episode().isPresent())) {
            request.put(
                    "episodes",
                    batch.completions().stream()
                            .map(c -> c.episode().map(ToldEpisode::fields).orElse(null))
                            .toList());
        }
        request.put("columns", batch.columns());
        return request;
    }

    private static List<OptionalDouble> rewards(JsonNode answer, RewardBatch batch) {
        if (!answer.path("rewards").isArray()) {
            throw new RewardAnswerException(
                    answer.has("error")
                            ? "the program says: " + answer.get("error").asText()
                            : "\"rewards\" must be a list, got " + answer.get("rewards"));
        }
        var rewards = new ArrayList<OptionalDouble>();
        for (JsonNode reward : answer.get("rewards")) {
            rewards.add(reward.isArray() ? turns(reward, batch, rewards.size()) : reward(reward));
        }
        for (Map.Entry<String, JsonNode> metric : answer.path("metrics").properties()) {
            batch.logMetric(metric.getKey(), metric.getValue().asDouble(Double.NaN));
        }
        for (Map.Entry<String, JsonNode> extra : answer.path("extras").properties()) {
            batch.logExtra(extra.getKey(), Json.MAPPER.convertValue(extra.getValue(), List.class));
        }
        return rewards;
    }

    /// Rewards of an episode's turns, which make up its reward.
    private static OptionalDouble turns(JsonNode given, RewardBatch batch, int place) {
        int count =
                place < batch.size()
                        ? batch.completions()
                                .get(place)
                                .episode()
                                .map(e -> e.turns().size())
                                .orElse(1)
                        : 0;
        if (given.size() != count) {
            throw new RewardAnswerException(
                    "%d rewards for the %d turns of completion %d: %s"
                            .formatted(given.size(), count, place, given));
        }
        double[] values = new double[count];
        for (int turn = 0; turn < count; turn++) {
            values[turn] =
                    reward(given.get(turn))
                            .orElseThrow(
                                    () ->
                                            new RewardAnswerException(
                                                    "a turn's reward must be a number, got null in "
                                                            + given
                                                            + "; null for the whole episode says"
                                                            + " that it gets none"));
        }
        batch.log().turns(place, values);
        return OptionalDouble.of(Arrays.stream(values).sum());
    }

    private static OptionalDouble reward(JsonNode reward) {
        if (reward.isNull()) {
            return OptionalDouble.empty();
        }
        if (reward.isBoolean()) {
            return OptionalDouble.of(reward.booleanValue() ? 1 : 0);
        }
        if (!reward.isNumber()) {
            throw new RewardAnswerException(
                    "a reward must be a number, true, false or null, got " + reward);
        }
        return OptionalDouble.of(reward.doubleValue());
    }

    /// Ends the program: its input is closed, and it is killed if it doesn't end at once.
    @Override
    public void close() {
        // Not synchronized: a call that hangs holds the lock.
        closed = true;
        LineProgram running = program;
        if (running != null) {
            running.end();
        }
    }
}
