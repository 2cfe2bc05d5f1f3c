package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.RolloutException;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.ByteTokens;
import org.attune.testing.LoraServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/// Servers that load the adapter before each round.
class ServedAdapterTest {
    private static final SamplingConfig SAMPLING =
            SamplingConfig.of(Distribution.plain(), 5, Set.of(ByteTokens.EOS), 3);

    @TempDir Path shelf;

    private final List<String> discarded = new ArrayList<>();
    private int rank = 8;

    /// Each round has another adapter.
    private final WeightVersions versions =
            new WeightVersions() {
                @Override
                public ServedWeights write(long round) {
                    Path folder = shelf.resolve("run-" + round);
                    try {
                        Files.createDirectories(folder);
                        Files.writeString(
                                folder.resolve("adapter_config.json"),
                                "{\"r\": %d}".formatted(rank));
                        Files.writeString(folder.resolve("adapter_model.safetensors"), "");
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                    return new ServedWeights("run-" + round, folder);
                }

                @Override
                public void discard(ServedWeights adapter) {
                    discarded.add(adapter.name());
                }
            };

    private static int[] token(Path adapter, JsonNode request) {
        int round = adapter.toString().charAt(adapter.toString().length() - 1);
        return new int[] {round, request.get("prompt").get(0).asInt()};
    }

    private LoraServer server() throws IOException {
        return new LoraServer("base", 16, ServedAdapterTest::token);
    }

    private ServerRollouts rollouts(LoraServer... servers) {
        List<String> urls = new ArrayList<>();
        for (LoraServer server : servers) {
            urls.add(server.url());
        }
        return new ServerRollouts(
                new ServerRollouts.Connection(
                        urls,
                        "m",
                        Duration.ofSeconds(30),
                        2,
                        Optional.empty(),
                        Duration.ofMillis(1)),
                SAMPLING,
                new ByteTokens(),
                Optional.of(versions));
    }

    private static List<RolloutPrompt> prompts(int groups, int each) {
        List<RolloutPrompt> prompts = new ArrayList<>();
        for (int g = 0; g < groups; g++) {
            RolloutPrompt prompt = RolloutPrompt.of(g, new int[] {65 + g});
            for (int i = 0; i < each; i++) {
                prompts.add(prompt);
            }
        }
        return prompts;
    }

    private static void requireAll(List<SampledCompletion> completions, int each, char round) {
        for (int i = 0; i < completions.size(); i++) {
            assertEquals(round, completions.get(i).ids()[0]);
            assertEquals(65 + i / each, completions.get(i).ids()[1], "of its own prompt");
            assertEquals(-0.5f, completions.get(i).logProbs()[0]);
        }
    }

    @Test
    void eachRoundIsWrittenByItsOwnAdapter() throws IOException {
        try (LoraServer server = server()) {
            try (ServerRollouts rollouts = rollouts(server)) {
                rollouts.beginRound(0);
                requireAll(rollouts.complete(prompts(3, 2), 0), 2, '0');
                rollouts.beginRound(1);
                requireAll(rollouts.complete(prompts(3, 2), 1), 2, '1');
                assertEquals(List.of("run-1"), server.adapters());
                assertEquals(List.of("run-0"), discarded);
            }
            assertEquals(
                    List.of("load run-0", "load run-1", "unload run-0", "unload run-1"),
                    server.said());
            assertEquals(List.of("run-0", "run-1"), discarded);
        }
    }

    /// A run that was killed makes its round again.
    @Test
    void anAdapterThatIsLoadedAlreadyIsTaken() throws IOException {
        try (LoraServer server = server()) {
            rollouts(server).beginRound(3); // and is never closed
            ServerRollouts again = rollouts(server);
            again.beginRound(3);
            requireAll(again.complete(prompts(2, 1), 3), 1, '3');
        }
    }

    @Test
    void aServerThatWasStartedAnewGetsTheAdapterAgain() throws IOException {
        try (LoraServer server = server();
                ServerRollouts rollouts = rollouts(server)) {
            rollouts.beginRound(0);
            server.restart();
            requireAll(rollouts.complete(prompts(3, 2), 0), 2, '0');
            assertEquals(List.of("run-0"), server.adapters());
        }
    }

    @Test
    void serversShareThePromptsByGroups() throws IOException {
        try (LoraServer one = server();
                LoraServer two = server();
                ServerRollouts rollouts = rollouts(one, two)) {
            rollouts.beginRound(0);
            requireAll(rollouts.complete(prompts(8, 4), 0), 4, '0');
            assertEquals(32, one.completions().size() + two.completions().size());
            assertFalse(one.completions().isEmpty());
            assertFalse(two.completions().isEmpty());
        }
    }

    @Test
    void othersCompleteThePromptsOfAServerThatDiesUntilItIsBack() throws IOException {
        var dying = new AtomicBoolean();
        LoraServer[] holder = new LoraServer[1];
        try (LoraServer one = server();
                LoraServer two =
                        new LoraServer(
                                "base",
                                16,
                                (adapter, request) -> {
                                    if (dying.get()) {
                                        holder[0].end();
                                    }
                                    return token(adapter, request);
                                });
                ServerRollouts rollouts = rollouts(one, two)) {
            holder[0] = two;
            rollouts.beginRound(0);
            dying.set(true);
            requireAll(rollouts.complete(prompts(8, 2), 0), 2, '0');
            rollouts.beginRound(1);
            requireAll(rollouts.complete(prompts(8, 2), 1), 2, '1');
            assertEquals(List.of("run-1"), one.adapters());
            dying.set(false);
            two.restart();
            rollouts.beginRound(2);
            assertEquals(List.of("run-2"), two.adapters());
            requireAll(rollouts.complete(prompts(8, 2), 2), 2, '2');
        }
    }

    @Test
    void withoutAnyServerTheRunEnds() throws IOException {
        LoraServer one = server();
        LoraServer two = server();
        ServerRollouts rollouts = rollouts(one, two);
        rollouts.beginRound(0);
        one.close();
        two.close();
        String message =
                assertThrows(RolloutException.class, () -> rollouts.complete(prompts(2, 2), 0))
                        .getMessage();
        assertTrue(message.contains("can't be reached"), message);
    }

    @Test
    void whatAServerDoesNotTakeEndsTheRun() throws IOException {
        rank = 64;
        try (LoraServer server = server()) {
            String message =
                    assertThrows(RolloutException.class, () -> rollouts(server).beginRound(0))
                            .getMessage();
            assertTrue(message.contains("LoRA rank 64 is greater than max_lora_rank 16"), message);
            assertTrue(message.contains("--max-lora-rank of lora_r or more"), message);
        }
    }
}
