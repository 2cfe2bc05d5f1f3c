package org.attune.examples.agents;

import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;

/// A small world for whole runs on episodes, and what such a run has recorded.
final class EchoWorld {
    /// The embedded model.
    static final Path MODEL =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/model");

    /// Answers two turns, and rewards each for its text.
    private static final String ECHO =
            """
            import org.attune.agents.environment.*;
            import org.attune.episode.*;
            import org.attune.text.Message;
            import org.attune.text.parse.ParsedTurn;
            import java.util.*;

            public final class Echo implements Environment {
                private long seed;

                @Override
                public Opening reset(EpisodeStart start) {
                    seed = start.seed() % 10;
                    return new Opening(Optional.of(" " + Math.abs(seed)), List.of());
                }

                @Override
                public Step step(ParsedTurn turn, int index) {
                    double reward = turn.message().content().chars().sum() % 7;
                    return index == 1
                            ? new Step.Done(reward, true)
                            : new Step.Observe(List.of(Message.of("user", "on")), reward);
                }
            }
            """;

    private EchoWorld() {}

    /// Writes `Echo.java` and `prompts.jsonl`.
    static void write(Path folder) throws IOException {
        Files.writeString(folder.resolve("Echo.java"), ECHO);
        Files.writeString(
                folder.resolve("prompts.jsonl"),
                """
                {"prompt": [{"role": "user", "content": "4 2"}], "answer": "2 4"}
                {"prompt": [{"role": "user", "content": "9 1"}]}
                """);
    }

    /// Writes a template that changes what was said: a turn that it changes is followed by another
    /// row.
    ///
    /// @param change what it does with each content
    static Path forkingTemplate(Path folder, String change) throws IOException {
        return Files.writeString(
                folder.resolve("template.jinja"),
                Files.readString(MODEL.resolve("chat_template.jinja"))
                        .replaceFirst(
                                "message\\['content']",
                                Matcher.quoteReplacement("message['content']" + change)));
    }

    /// An episode of a file of `record_rollouts`.
    ///
    /// @param round from 0
    /// @param own number of the model's own tokens
    /// @param logProb of all of them together, as they were sampled
    /// @param forks number of turns behind other tokens than those before them
    record Recorded(
            int round,
            int place,
            int member,
            long seed,
            double reward,
            int own,
            double logProb,
            int forks) {}

    static List<Recorded> recorded(Path file) throws IOException {
        List<Recorded> all = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            Map<?, ?> completion = (Map<?, ?>) Json.parse(line);
            Map<?, ?> episode = (Map<?, ?>) completion.get("episode");
            int own = 0;
            int forks = 0;
            for (Object turn : (List<?>) episode.get("turns")) {
                own += ((List<?>) ((Map<?, ?>) turn).get("ids")).size();
                forks += ((Map<?, ?>) turn).get("context") == null ? 0 : 1;
            }
            double logProb = 0;
            for (Object one : (List<?>) completion.get("sampling_logprobs")) {
                logProb += ((Number) one).doubleValue();
            }
            all.add(
                    new Recorded(
                            (int) number(completion, "generation"),
                            (int) number(episode, "place"),
                            (int) number(episode, "member"),
                            (long) number(episode, "seed"),
                            number((Map<?, ?>) completion.get("rewards"), "echo"),
                            own,
                            logProb,
                            forks));
        }
        return all;
    }

    private static double number(Map<?, ?> in, String key) {
        return ((Number) in.get(key)).doubleValue();
    }
}
