package org.attune.reports.tracker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.error.ServerException;
import org.attune.json.Json;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An MLflow server, by its REST interface 2.0. Metrics have the names of `metrics.jsonl`, which
/// are transformers' too; keys that are set become parameters.
final class MlflowServer implements Tracker {
    /// Variable with the server's address.
    public static final String ADDRESS = "MLFLOW_TRACKING_URI";

    private static final String API = "api/2.0/mlflow/";
    private static final int METRICS = 1000;
    private static final int PARAMS = 100;
    private static final int LONGEST = 6000;

    private final Map<String, String> environment;
    private final TrackerServer server;
    private final Map<String, String> tags;
    private volatile Optional<String> runId = Optional.empty();
    private volatile String experiment = "0";

    /// @param environment `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME` and others of MLflow
    /// @throws ConfigException if there is no address of a server, or the tags are none
    public MlflowServer(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
        URI uri = TrackerServer.address(ADDRESS, environment.getOrDefault(ADDRESS, ""));
        server = new TrackerServer(TrackerServer.folder(uri), headers());
        tags = tags();
    }

    private Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    private Map<String, String> headers() {
        Optional<String> user = variable("MLFLOW_TRACKING_USERNAME");
        if (user.isPresent()) {
            String both = user.get() + ":" + variable("MLFLOW_TRACKING_PASSWORD").orElse("");
            byte[] bytes = both.getBytes(StandardCharsets.UTF_8);
            return Map.of("Authorization", "Basic " + Base64.getEncoder().encodeToString(bytes));
        }
        return variable("MLFLOW_TRACKING_TOKEN")
                .map(token -> Map.of("Authorization", "Bearer " + token))
                .orElse(Map.of());
    }

    private Map<String, String> tags() {
        Map<String, String> all = new LinkedHashMap<>();
        variable("MLFLOW_TAGS")
                .ifPresent(
                        text -> {
                            try {
                                Json.tree(text)
                                        .properties()
                                        .forEach(e -> all.put(e.getKey(), e.getValue().asText()));
                            } catch (JsonProcessingException e) {
                                throw new ConfigException(
                                        "report_to: MLFLOW_TAGS is no JSON object: " + text, e);
                            }
                        });
        return all;
    }

    @Override
    public String name() {
        return "mlflow";
    }

    @Override
    public Duration pace() {
        return Duration.ofSeconds(1);
    }

    @Override
    public Optional<String> runId() {
        return runId;
    }

    @Override
    public String place() {
        return runId.map(
                        id -> "%s#/experiments/%s/runs/%s".formatted(server.base(), experiment, id))
                .orElse(server.base().toString());
    }

    @Override
    public void open(TrackedRun run) throws IOException, InterruptedException {
        Optional<String> known = runId.or(() -> variable("MLFLOW_RUN_ID")).or(run::earlierId);
        if (known.isPresent()) {
            JsonNode answer =
                    post("runs/update", Map.of("run_id", known.get(), "status", "RUNNING"));
            experiment = answer.at("/run_info/experiment_id").asText(experiment);
            runId = known;
        } else {
            runId = Optional.of(create(run));
        }
        if (run.earlierId().isEmpty()) {
            params(run.config());
        }
    }

    private String create(TrackedRun run) throws IOException, InterruptedException {
        experiment = experiment();
        List<Map<String, String>> all = new ArrayList<>();
        all.add(pair("mlflow.runName", run.name()));
        all.add(pair("mlflow.source.name", "attune"));
        all.add(pair("mlflow.user", System.getProperty("user.name", "")));
        tags.forEach((key, value) -> all.add(pair(key, value)));
        JsonNode answer =
                post(
                        "runs/create",
                        Map.of(
                                "experiment_id",
                                experiment,
                                "run_name",
                                run.name(),
                                "start_time",
                                run.started().toEpochMilli(),
                                "tags",
                                all));
        String id = answer.at("/run/info/run_id").asText("");
        if (id.isEmpty()) {
            throw new ServerException(server.base() + " made a run and named no run_id");
        }
        return id;
    }

    private String experiment() throws IOException, InterruptedException {
        Optional<String> name = variable("MLFLOW_EXPERIMENT_NAME");
        if (name.isEmpty()) {
            return variable("MLFLOW_EXPERIMENT_ID").orElse("0");
        }
        String path =
                API
                        + "experiments/get-by-name?experiment_name="
                        + URLEncoder.encode(name.get(), StandardCharsets.UTF_8);
        TrackerServer.Answer answer = server.ask("GET", path, Optional.empty());
        if (answer.status() / 100 == 2) {
            return Json.tree(answer.body()).at("/experiment/experiment_id").asText();
        }
        if (answer.status() != 404) {
            throw server.refused(path, answer);
        }
        return post("experiments/create", Map.of("name", name.get()))
                .path("experiment_id")
                .asText();
    }

    private void params(Map<String, Object> config) throws IOException, InterruptedException {
        List<Map<String, String>> params = new ArrayList<>();
        config.forEach(
                (key, value) -> {
                    if (value != null && value.toString().length() <= LONGEST) {
                        params.add(pair(key, value.toString()));
                    }
                });
        int most =
                variable("MLFLOW_MAX_LOG_PARAMS")
                        .filter(text -> text.matches("\\d{1,9}"))
                        .map(Integer::parseInt)
                        .orElse(params.size());
        List<Map<String, String>> told = params.subList(0, Math.min(most, params.size()));
        for (int from = 0; from < told.size(); from += PARAMS) {
            batch("params", told.subList(from, Math.min(from + PARAMS, told.size())));
        }
    }

    private static Map<String, String> pair(String key, String value) {
        return Map.of("key", key, "value", value);
    }

    @Override
    public void log(List<TrackedPoint> points) throws IOException, InterruptedException {
        List<Map<String, Object>> metrics = new ArrayList<>();
        for (TrackedPoint point : points) {
            point.metrics()
                    .forEach(
                            (key, value) ->
                                    metrics.add(
                                            Map.of(
                                                    "key",
                                                    key.replaceAll("[^\\w./: -]", "_"),
                                                    "value",
                                                    number(value),
                                                    "timestamp",
                                                    point.time().toEpochMilli(),
                                                    "step",
                                                    point.step())));
        }
        for (int from = 0; from < metrics.size(); from += METRICS) {
            batch("metrics", metrics.subList(from, Math.min(from + METRICS, metrics.size())));
        }
    }

    /// Protocol Buffers' JSON has names for what is no number.
    private static Object number(double value) {
        return Double.isFinite(value) ? (Object) value : Double.toString(value);
    }

    private void batch(String kind, List<?> values) throws IOException, InterruptedException {
        post("runs/log-batch", Map.of("run_id", runId.orElseThrow(), kind, values));
    }

    @Override
    public void close(RunEnd end) throws IOException, InterruptedException {
        String status =
                switch (end) {
                    case FINISHED -> "FINISHED";
                    case STOPPED -> "KILLED";
                    case FAILED -> "FAILED";
                };
        post(
                "runs/update",
                Map.of(
                        "run_id",
                        runId.orElseThrow(),
                        "status",
                        status,
                        "end_time",
                        Instant.now().toEpochMilli()));
    }

    private JsonNode post(String path, Map<String, Object> body)
            throws IOException, InterruptedException {
        return server.post(API + path, body);
    }
}
