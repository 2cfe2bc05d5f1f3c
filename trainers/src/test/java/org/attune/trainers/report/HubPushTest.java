package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.hub.FakeHub;
import org.attune.hub.HubSettings;
import org.attune.trainers.config.HubConfig;
import org.attune.trainers.config.HubStrategy;
import org.attune.trainers.config.Secret;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

class HubPushTest {
    private static final String TARGET = "models/org/result";

    @TempDir Path root;
    private Path folder;
    private FakeHub hub;

    @BeforeEach
    void open() throws IOException {
        hub = new FakeHub();
        folder = Files.createDirectories(root.resolve("out"));
        Files.writeString(folder.resolve("metrics.jsonl"), "{}\n");
        Files.writeString(folder.resolve("run.json"), "{}");
        Files.writeString(folder.resolve("config.yaml"), "output_dir: " + folder);
        Files.createDirectories(folder.resolve("completions"));
        Files.writeString(folder.resolve("completions/a.parquet"), "rows");
    }

    @AfterEach
    void close() {
        hub.close();
    }

    private static HubConfig config(HubStrategy strategy) {
        return HubConfig.defaults()
                .withPushToHub(true)
                .withHubModelId("org/result")
                .withHubStrategy(strategy)
                .withHubToken(new Secret("writer"));
    }

    private HubPush push(HubConfig config) {
        var settings =
                new HubSettings(
                        hub.endpoint(),
                        Optional.empty(),
                        false,
                        Duration.ofSeconds(5),
                        Duration.ofMillis(1));
        var card =
                new ModelCard(
                        "dpo",
                        "Align on pairs: DPO.",
                        "org/base@v1",
                        List.of("org/pairs", "/srv/me/private rows.jsonl"),
                        Map.of("beta", "0.5", "template", "a|b"),
                        "1.0");
        return new HubPush(config, settings, folder, card);
    }

    private void model(Path at) throws IOException {
        Files.createDirectories(at);
        Files.writeString(at.resolve("adapter_config.json"), "{}");
        Files.write(at.resolve("adapter_model.safetensors"), new byte[3000]);
        Files.writeString(
                at.resolve("README.md"),
                """
                # Adapter for org/base@v1

                `attune chat --model org/base@v1 --adapter FOLDER`
                """);
        Files.writeString(at.resolve("optimizer.safetensors"), "moments");
    }

    private RunInfo info() {
        return new RunInfo("dpo", folder, 0, 4, 4, 0, 1);
    }

    private static RunSummary summary(boolean interrupted) {
        var heldout =
                new RunSummary.Heldout(
                        "eval_loss", 7, OptionalDouble.of(2.5), OptionalDouble.of(1.25));
        return new RunSummary(
                4, interrupted, Optional.of(heldout), Map.of("train", 12.0), 0, 3L << 30);
    }

    private Map<String, byte[]> arrived(String branch) {
        return hub.repositories.get(TARGET).at(branch);
    }

    private void run(HubPush push) throws Exception {
        try (push) {
            push.onStart(info());
            push.onSave(2, folder.resolve(".checkpoint-2.tmp"));
            model(folder.resolve("checkpoint-2"));
            push.onStep(3, 0, new PhaseClock());
            model(folder);
            Files.writeString(folder.resolve("summary.json"), "{}");
            push.onEnd(summary(false));
        }
    }

    @Test
    void resultArrivesWithACard() throws Exception {
        HubPush push = push(config(HubStrategy.END));
        run(push);
        assertEquals(Optional.empty(), push.failure());
        assertTrue(push.address().orElseThrow().contains("/commit/"));
        assertEquals(List.of("End of training"), hub.repositories.get(TARGET).summaries);
        assertEquals(
                Set.of(
                        ".gitattributes",
                        "README.md",
                        "adapter_config.json",
                        "adapter_model.safetensors",
                        "metrics.jsonl",
                        "summary.json"),
                arrived("main").keySet());
        String card = new String(arrived("main").get("README.md"), StandardCharsets.UTF_8);
        assertEquals(card, Files.readString(folder.resolve("README.md")));
        for (String part :
                List.of(
                        "base_model: org/base\n",
                        "datasets:\n- org/pairs\nlibrary_name: peft\n",
                        "- attune\n- dpo\n---\n\n# result\n",
                        "on org/pairs, private rows.jsonl.",
                        "| `eval_loss` on 7 held-out rows | 2.5000 before, 1.2500 after |",
                        "| peak memory | 3.0 GiB |",
                        "| `beta` | `0.5` |",
                        "| `template` | `a\\|b` |",
                        "## Adapter for org/base",
                        "--adapter org/result`")) {
            assertTrue(card.contains(part), part + " in " + card);
        }
        assertFalse(card.contains("/srv/me"), card);
    }

    @Test
    void strategiesSayWhatElseArrives() throws Exception {
        for (HubStrategy strategy : HubStrategy.values()) {
            hub.repositories.clear();
            run(push(config(strategy)));
            List<String> messages = hub.repositories.get(TARGET).summaries;
            String first = "Training in progress, step 2";
            assertEquals(
                    switch (strategy) {
                        case END -> List.of("End of training");
                        case EVERY_SAVE -> List.of(first, "End of training");
                        case CHECKPOINT, ALL_CHECKPOINTS ->
                                List.of(first, first + ", checkpoint", "End of training");
                    },
                    messages);
            Set<String> names = arrived("main").keySet();
            assertEquals(
                    strategy == HubStrategy.CHECKPOINT,
                    names.contains("last-checkpoint/optimizer.safetensors"));
            assertEquals(
                    strategy == HubStrategy.ALL_CHECKPOINTS,
                    names.contains("checkpoint-2/optimizer.safetensors"));
        }
    }

    @Test
    void secondRunWritesTheCardAnew() throws Exception {
        run(push(config(HubStrategy.END)));
        run(push(config(HubStrategy.END)));
        String card = Files.readString(folder.resolve("README.md"));
        assertEquals(1, Collections.frequency(card.lines().toList(), "# result"), card);
    }

    @Test
    void branchAndVisibilityAreObeyed() throws Exception {
        run(push(config(HubStrategy.END).withHubRevision("try").withHubPrivateRepo(true)));
        assertTrue(arrived("try").containsKey("README.md"));
        assertFalse(arrived("main").containsKey("README.md"));
        assertTrue(hub.repositories.get(TARGET).isPrivate);
    }

    @Test
    void nameIsThatOfTheFolderWhereNoneIsGiven() throws Exception {
        run(push(HubConfig.defaults().withPushToHub(true).withHubToken(new Secret("writer"))));
        assertTrue(hub.repositories.containsKey("models/me/out"));
    }

    @Test
    void tokenThatMayNotWriteEndsTheRunAtItsStart() {
        try (HubPush push = push(config(HubStrategy.END).withHubToken(new Secret("reader")))) {
            String message =
                    assertThrows(ConfigException.class, () -> push.onStart(info())).getMessage();
            assertTrue(message.startsWith("push_to_hub: "), message);
            assertFalse(message.contains("reader"), message);
        }
    }

    @Test
    void failedUploadIsToldAndEndsNothing() throws Exception {
        HubPush push = push(config(HubStrategy.END));
        push.onStart(info());
        model(folder);
        hub.statuses.addAll(Collections.nCopies(5, 503));
        push.onEnd(summary(false));
        assertTrue(push.failure().orElseThrow().contains("503"), push.failure().get());
        push.close();
    }

    @Test
    void stoppedRunIsNotUploaded() throws Exception {
        try (HubPush push = push(config(HubStrategy.END))) {
            push.onStart(info());
            model(folder);
            push.onEnd(summary(true));
            assertEquals(List.of(), hub.repositories.get(TARGET).summaries);
        }
    }
}
