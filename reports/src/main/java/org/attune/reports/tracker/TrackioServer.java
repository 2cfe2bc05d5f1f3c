package org.attune.reports.tracker;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.error.ServerException;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A Trackio server, named by `TRACKIO_SERVER_URL`. Its write token stands in `TRACKIO_WRITE_TOKEN`
/// or, as `trackio show` prints it, in the address.
final class TrackioServer implements Tracker {
    /// Variable with the server's address.
    public static final String ADDRESS = "TRACKIO_SERVER_URL";

    private static final String TOKEN = "TRACKIO_WRITE_TOKEN";
    private static final String IN_ADDRESS = "write_token=";

    private final String project;
    private final TrackerServer server;
    private Optional<TrackioEntries> entries = Optional.empty();
    private volatile Optional<String> runId = Optional.empty();

    /// @param project that the run belongs to
    /// @throws ConfigException if the address is none, or there is no token
    public TrackioServer(String project, Map<String, String> environment) {
        this.project = project;
        URI given = TrackerServer.address(ADDRESS, environment.getOrDefault(ADDRESS, ""));
        String query = Optional.ofNullable(given.getQuery()).orElse("");
        String token =
                Arrays.stream(query.split("&"))
                        .filter(part -> part.startsWith(IN_ADDRESS))
                        .map(part -> part.substring(IN_ADDRESS.length()))
                        .findFirst()
                        .orElse(environment.getOrDefault(TOKEN, ""));
        if (token.isBlank()) {
            throw new ConfigException(
                    "report_to: trackio: %s names a server, and %s is not set; set it to the token that the server's `trackio show` prints"
                            .formatted(ADDRESS, TOKEN));
        }
        server =
                new TrackerServer(
                        TrackerServer.folder(given), Map.of("x-trackio-write-token", token));
    }

    @Override
    public String name() {
        return "trackio";
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
        return "%s, project %s".formatted(server.base(), project);
    }

    @Override
    public void open(TrackedRun run) {
        var own = new TrackioEntries(project, run);
        entries = Optional.of(own);
        runId = Optional.of(own.runId());
    }

    @Override
    public void log(List<TrackedPoint> points) throws IOException, InterruptedException {
        List<Map<String, Object>> logs = entries.orElseThrow().of(points);
        if (logs.isEmpty()) {
            return;
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("logs", logs);
        arguments.put("hf_token", null);
        JsonNode answer =
                server.post("api/bulk_log", Map.of("args", List.of(), "kwargs", arguments));
        if (answer.hasNonNull("error")) {
            throw new ServerException(
                    "%s refused the logs: %s".formatted(server.base(), answer.get("error")));
        }
        entries.get().delivered();
    }

    @Override
    public void close(RunEnd end) {}
}
