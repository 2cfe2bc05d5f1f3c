package org.attune.reward.spec;

import com.fasterxml.jackson.databind.node.NullNode;

import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardLog;
import org.attune.text.Message;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// A program that serves one reward function over standard input and output, in the protocol of
/// [org.attune.reward.external.ProcessReward]: what `isolation: process` starts, so that a function
/// that spins or crashes can be killed.
///
/// Arguments: the entry of `reward_funcs` as JSON, and the directory that its paths start at.
public final class RewardServer {

    private final RewardFunction reward;

    RewardServer(RewardFunction reward) {
        this.reward = reward;
    }

    /// Serves until the input ends.
    public static void main(String[] arguments) throws IOException {
        var output = new FileOutputStream(FileDescriptor.out);
        // What a function prints must not get between the answers.
        System.setOut(
                new PrintStream(
                        new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
        RewardFunction reward =
                RewardSpec.parse(
                                Json.parse(arguments[0]),
                                Path.of(arguments[1]),
                                RewardLimits.defaults())
                        .getFirst()
                        .function();
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        new RewardServer(reward).serve(input, output);
    }

    void serve(BufferedReader input, OutputStream output) throws IOException {
        String line;
        while ((line = input.readLine()) != null) {
            String answer = Json.inUtf8(Json.MAPPER.writeValueAsString(answer(line)));
            output.write(answer.getBytes(StandardCharsets.UTF_8));
            output.write('\n');
            output.flush();
        }
    }

    @SuppressWarnings("CatchingUnchecked") // whatever a user's function throws is its answer
    private Map<String, Object> answer(String line) {
        try {
            var said = new Said();
            List<OptionalDouble> rewards = reward.score(batch(map(Json.parse(line)), said));
            var answer = new LinkedHashMap<String, Object>();
            answer.put(
                    "rewards", rewards == null ? null : rewards.stream().map(this::value).toList());
            answer.put("metrics", said.metrics);
            answer.put("extras", said.extras);
            return answer;
        } catch (Exception e) {
            return Map.of("error", e.toString());
        }
    }

    private Object value(OptionalDouble reward) {
        return reward != null && reward.isPresent() ? reward.getAsDouble() : NullNode.getInstance();
    }

    private static RewardBatch batch(Map<String, Object> request, RewardLog log) {
        List<?> texts = list(request.get("completions"));
        List<?> ids = list(request.get("completion_ids"));
        List<?> promptTurns = list(request.get("prompt_messages"));
        List<?> completionTurns = list(request.get("completion_messages"));
        var prompts = new ArrayList<Prompt>();
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < texts.size(); i++) {
            int[] tokens =
                    list(ids.get(i)).stream().mapToInt(id -> ((Number) id).intValue()).toArray();
            prompts.add(
                    new Prompt(
                            (String) list(request.get("prompts")).get(i),
                            messages(promptTurns, i)));
            completions.add(
                    new Completion((String) texts.get(i), tokens, messages(completionTurns, i)));
        }
        var columns = new LinkedHashMap<String, List<Object>>();
        map(request.get("columns"))
                .forEach((name, column) -> columns.put(name, new ArrayList<>(list(column))));
        return new RewardBatch(prompts, completions, columns, log);
    }

    private static List<Message> messages(List<?> turns, int index) {
        return turns.isEmpty()
                ? List.of()
                : list(turns.get(index)).stream().map(turn -> new Message(map(turn))).toList();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private static List<?> list(Object value) {
        return value == null ? List.of() : (List<?>) value;
    }

    /// Keeps what the function logs for the answer.
    private static final class Said implements RewardLog {
        private final Map<String, Double> metrics = new LinkedHashMap<>();
        private final Map<String, List<?>> extras = new LinkedHashMap<>();

        @Override
        public synchronized void metric(String name, double value) {
            metrics.put(name, value);
        }

        @Override
        public synchronized void extra(String column, List<?> values) {
            extras.put(column, values);
        }
    }
}
