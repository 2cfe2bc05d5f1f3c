package org.attune.reports.tracker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.ConfigException;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

@Timeout(120)
class TrackersTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir Path folder;
    private TrackerStand stand;

    @BeforeEach
    void open() throws IOException {
        stand = new TrackerStand();
    }

    @AfterEach
    void close() {
        stand.close();
    }

    private TrackerFeed feed(Tracker tracker, Map<String, Object> config) {
        return new TrackerFeed(
                tracker, "trial", config, PATIENCE, () -> Instant.ofEpochSecond(1_700_000_000));
    }

    private RunInfo info(int first, int logged) {
        return new RunInfo("dpo", folder, first, 9, 9, logged, 1);
    }

    private static RunSummary summary(boolean interrupted) {
        return new RunSummary(9, interrupted, Optional.empty(), Map.of(), 0, 0);
    }

    private void run(TrackerFeed feed) {
        feed.onStart(info(0, 0));
        feed.onEvaluate(0, Map.of("eval_loss", 2.5));
        var metrics = new LinkedHashMap<String, Object>();
        metrics.put("loss", 1.25);
        metrics.put("rewards/margins", Double.NaN);
        metrics.put("name", "no number");
        feed.onLog(3, metrics);
        feed.onTotals(9, Map.of("train_loss", 1.0));
        feed.onEnd(summary(false));
    }

    private List<Path> files(String ending) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(f -> f.toString().endsWith(ending)).sorted().toList();
        }
    }

    @Test
    void wandbFileHoldsTheRun() throws IOException {
        var environment = Map.of("WANDB_PROJECT", "mine", "WANDB_TAGS", "a, b", "WANDB_NAME", "n");
        var config = new LinkedHashMap<String, Object>();
        config.put("beta", 0.1);
        config.put("template", "x".repeat(70_000));
        config.put("unset", null);
        run(feed(new WandbFile(environment, folder, true), config));
        Path file = files(".wandb").getFirst();
        assertTrue(
                file.getParent()
                        .getFileName()
                        .toString()
                        .matches("offline-run-\\d{8}_\\d{6}-\\w{8}"));
        List<byte[]> records = WandbReader.records(Files.readAllBytes(file));
        List<Integer> kinds = new ArrayList<>();
        for (byte[] record : records) {
            var fields = WandbReader.fields(record);
            kinds.add(fields.lastKey());
            assertEquals((long) kinds.size(), fields.get(1).getFirst());
        }
        assertEquals(List.of(21, 17, 12, 12, 2, 2, 3, 18), kinds);
        var own =
                WandbReader.fields((byte[]) WandbReader.fields(records.get(1)).get(17).getFirst());
        assertEquals("mine", WandbReader.text(own, 3));
        assertEquals("trial", WandbReader.text(own, 8), "run_name goes before WANDB_NAME");
        assertEquals(2, own.get(10).size());
        var keys = WandbReader.items((byte[]) own.get(4).getFirst());
        assertEquals("0.1", keys.get("beta"));
        assertEquals("null", keys.get("unset"));
        assertEquals(70_002, keys.get("template").length());
        var row = WandbReader.items((byte[]) WandbReader.fields(records.get(5)).get(2).getFirst());
        assertEquals("1.25", row.get("train/loss"));
        assertEquals("NaN", row.get("train/rewards/margins"));
        assertEquals("3", row.get("train/global_step"));
        assertEquals("1", row.get("_step"));
        assertFalse(row.containsKey("train/name"));
        var last = WandbReader.items((byte[]) WandbReader.fields(records.get(6)).get(3).getFirst());
        assertEquals("2.5", last.get("eval/loss"));
        assertEquals("1", last.get("train_loss"));
    }

    @Test
    void resumedRunKeepsItsIdentity() throws IOException {
        var first = feed(new WandbFile(Map.of(), folder, false), Map.of());
        first.onStart(info(0, 0));
        first.onLog(1, Map.of("loss", 1.0));
        Path checkpoint = Files.createDirectories(folder.resolve("checkpoint-1"));
        while (files(".wandb").isEmpty()) {
            Thread.onSpinWait();
        }
        first.onSave(1, checkpoint);
        first.onEnd(summary(true));
        String name = files(".wandb").getFirst().getFileName().toString();
        Path elsewhere = folder.resolve("later");
        var second = feed(new WandbFile(Map.of(), elsewhere, false), Map.of());
        second.onResume(checkpoint);
        second.onStart(info(1, 5));
        second.onLog(2, Map.of("loss", 1.0));
        second.close();
        Path file = files(".wandb").getFirst();
        assertTrue(file.startsWith(elsewhere), file.toString());
        assertEquals(name, file.getFileName().toString());
        List<byte[]> records = WandbReader.records(Files.readAllBytes(file));
        var row = WandbReader.items((byte[]) WandbReader.fields(records.get(4)).get(2).getFirst());
        assertEquals("5", row.get("_step"));
        var exit =
                WandbReader.fields((byte[]) WandbReader.fields(records.get(6)).get(18).getFirst());
        assertEquals(1L, exit.get(1).getFirst(), "it ended without onEnd");
    }

    private Map<String, String> mlflow() {
        return Map.of(
                "MLFLOW_TRACKING_URI",
                stand.address(),
                "MLFLOW_EXPERIMENT_NAME",
                "my tests",
                "MLFLOW_TAGS",
                "{\"team\":\"red\"}",
                "MLFLOW_TRACKING_TOKEN",
                "secret");
    }

    @Test
    void mlflowIsToldTheRun() {
        stand.replies.put("experiments/get-by-name", new TrackerStand.Reply(404, "{}"));
        stand.replies.put(
                "experiments/create", new TrackerStand.Reply(200, "{\"experiment_id\":\"7\"}"));
        stand.replies.put(
                "runs/create",
                new TrackerStand.Reply(200, "{\"run\":{\"info\":{\"run_id\":\"abc\"}}}"));
        var config = new LinkedHashMap<String, Object>();
        for (int i = 0; i < 150; i++) {
            config.put("key" + i, i);
        }
        config.put("unset", null);
        run(feed(new MlflowServer(mlflow()), config));
        var create = stand.to("runs/create").getFirst();
        assertEquals("7", create.body().get("experiment_id").asText());
        assertEquals("trial", create.body().get("run_name").asText());
        assertTrue(create.body().get("tags").toString().contains("red"));
        assertEquals(List.of("Bearer secret"), create.headers().get("Authorization"));
        int params = 0;
        List<JsonNode> metrics = new ArrayList<>();
        for (var batch : stand.to("runs/log-batch")) {
            assertEquals("abc", batch.body().get("run_id").asText());
            params += batch.body().path("params").size();
            batch.body().path("metrics").forEach(metrics::add);
        }
        assertEquals(150, params);
        assertEquals(
                List.of(
                        "eval_loss 0 2.5",
                        "loss 3 1.25",
                        "rewards/margins 3 NaN",
                        "train_loss 9 1.0"),
                metrics.stream()
                        .map(
                                m ->
                                        "%s %s %s"
                                                .formatted(
                                                        m.get("key").asText(),
                                                        m.get("step").asText(),
                                                        m.get("value").asText()))
                        .toList());
        assertEquals("FINISHED", stand.to("runs/update").getLast().body().get("status").asText());
    }

    @Test
    void trackioInboxAndServerGetTheSame() throws Exception {
        var home = folder.resolve("home");
        run(
                feed(
                        new TrackioInbox("proj", Map.of("HF_HOME", home.toString()), folder),
                        Map.of("beta", 0.1)));
        var json = new ObjectMapper();
        List<JsonNode> lines = new ArrayList<>();
        for (Path file : files(".jsonl")) {
            assertTrue(file.startsWith(home.resolve("trackio/inbox")), file.toString());
            for (String line : Files.readAllLines(file)) {
                lines.add(json.readTree(line));
            }
        }
        assertEquals(2, lines.size());
        assertEquals("{\"beta\":0.1}", lines.get(0).get("config").toString());
        assertTrue(lines.get(1).get("config").isNull() || lines.get(1).has("config"));
        assertEquals(1.25, lines.get(1).at("/metrics/train~1loss").asDouble());
        assertEquals("NaN", lines.get(1).at("/metrics/train~1rewards~1margins").asText());
        assertNotEquals(lines.get(0).get("log_id"), lines.get(1).get("log_id"));
        run(
                feed(
                        new TrackioServer(
                                "proj",
                                Map.of("TRACKIO_SERVER_URL", stand.address() + "/?write_token=w")),
                        Map.of()));
        var asked = stand.to("api/bulk_log").getFirst();
        assertEquals(List.of("w"), asked.headers().get("X-trackio-write-token"));
        JsonNode log = asked.body().at("/kwargs/logs/0");
        assertEquals("proj", log.get("project").asText());
        assertEquals(2.5, log.at("/metrics/eval~1loss").asDouble());
    }

    @Test
    void serverThatIsAwayHoldsNothingUp() {
        String address = stand.address();
        stand.close();
        var feed =
                new TrackerFeed(
                        new MlflowServer(Map.of("MLFLOW_TRACKING_URI", address)),
                        "trial",
                        Map.of(),
                        Duration.ofMillis(300),
                        Instant::now);
        Instant start = Instant.now();
        feed.onStart(info(0, 0));
        for (int i = 0; i < TrackerFeed.QUEUE + 50; i++) {
            feed.onLog(i, Map.of("loss", 1.0));
        }
        feed.onSave(1, folder);
        feed.onEnd(summary(false));
        assertTrue(Duration.between(start, Instant.now()).toSeconds() < 20);
    }

    @Test
    void busyServerIsAskedAgainAndAnUnwillingOneIsLeft() {
        stand.replies.put("api/bulk_log", new TrackerStand.Reply(503, "later"));
        var environment = Map.of("TRACKIO_SERVER_URL", stand.address(), "TRACKIO_WRITE_TOKEN", "w");
        var feed = feed(new TrackioServer("proj", environment), Map.of());
        feed.onStart(info(0, 0));
        feed.onLog(1, Map.of("loss", 1.0));
        while (stand.to("api/bulk_log").isEmpty()) {
            Thread.onSpinWait();
        }
        stand.replies.clear();
        feed.onEnd(summary(false));
        List<TrackerStand.Asked> asked = stand.to("api/bulk_log");
        assertEquals(asked.getFirst().body(), asked.getLast().body());
        assertTrue(asked.size() > 1);

        stand.asked.clear();
        stand.replies.put("api/bulk_log", new TrackerStand.Reply(401, "no"));
        run(feed(new TrackioServer("proj", environment), Map.of()));
        assertEquals(1, stand.to("api/bulk_log").size());
    }

    @Test
    void missingAddressesAreRefused() {
        for (Map<String, String> environment :
                List.<Map<String, String>>of(
                        Map.of(),
                        Map.of("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"),
                        Map.of("MLFLOW_TRACKING_URI", "a b"),
                        Map.of("MLFLOW_TRACKING_URI", "http://localhost:1", "MLFLOW_TAGS", "{"))) {
            var e = assertThrows(ConfigException.class, () -> new MlflowServer(environment));
            assertTrue(e.getMessage().contains("MLFLOW_"), e.getMessage());
        }
        var e =
                assertThrows(
                        ConfigException.class,
                        () ->
                                new TrackioServer(
                                        "p", Map.of("TRACKIO_SERVER_URL", "http://localhost:1")));
        assertTrue(e.getMessage().contains("TRACKIO_WRITE_TOKEN"), e.getMessage());
    }
}
