package org.attune.board;

import com.sun.net.httpserver.Headers;

import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.reports.page.RunView;
import org.attune.reports.runs.FoundRun;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;

/// What is asked about single runs: metrics from a byte on, events, completions, rows, log; and the
/// request to stop one.
final class RunEndpoints {
    private static final int MOST_STREAMS = 64;
    private static final long LOOK_MILLIS = 500;

    /// A state is read from all of a run's metrics, which may be long.
    private static final long STATE_NANOS = 2_000_000_000L;

    private final RunIndex index;
    private final RunRows rows;
    private final RunCommands commands;
    private final RunQueue queue;
    private final Semaphore streams = new Semaphore(MOST_STREAMS);

    RunEndpoints(RunIndex index, RunRows rows, RunCommands commands, RunQueue queue) {
        this.index = index;
        this.rows = rows;
        this.commands = commands;
        this.queue = queue;
    }

    /// `GET /api/runs`
    void list(Call call) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (RunIndex.Entry entry : index.all()) {
            all.add(rows.of(entry));
        }
        call.json(all);
    }

    /// `GET /api/runs/ID/…`
    void get(Call call) throws ApiException, IOException, InterruptedException {
        String[] path = call.name().split("/", -1);
        RunIndex.Entry run = index.of(path[0]);
        String what = path.length == 1 ? "" : path[1];
        switch (what) {
            case "" -> call.json(rows.of(run));
            case "metrics" -> metrics(call, run);
            case "events" -> events(call, run);
            case "completions" -> completions(call, run, path);
            case "preview" -> call.text("text/plain", preview(run));
            case "log" -> call.text("text/plain", queue.log(run.folder()));
            case "config" -> call.text("text/plain", Files.readString(config(run)));
            default -> throw new ApiException(404, "not_found", what + " isn't told of a run");
        }
    }

    /// `POST /api/runs/ID/stop`
    void post(Call call) throws ApiException, IOException {
        String[] path = call.name().split("/", -1);
        RunIndex.Entry run = index.of(path[0]);
        if (path.length != 2 || !path[1].equals("stop")) {
            throw new ApiException(404, "not_found", "a run is asked to stop, and nothing else");
        }
        call.body().require(Set.of(), Map.of());
        stop(run);
        call.json(Map.of("stopping", run.name()));
    }

    /// Sends SIGTERM, after which a run writes a checkpoint. A number of a process is used again,
    /// so the process must have begun when the run says that its own did.
    private static void stop(RunIndex.Entry run) throws ApiException, IOException {
        RunCard card =
                RunCard.read(run.file(RunCard.NAME))
                        .orElseThrow(() -> refused("the run has no run.json"));
        if (!card.isUnderWay() || card.worker().isGone()) {
            throw refused("the run isn't under way");
        }
        if (!card.worker().isHere()) {
            throw refused("the run is on another machine: " + card.worker().host());
        }
        if (card.worker().started().isEmpty()) {
            throw refused("the run doesn't say when its process began, so it could be another");
        }
        ProcessHandle process =
                ProcessHandle.of(card.worker().pid())
                        .orElseThrow(() -> refused("the run's process is gone"));
        if (!process.destroy()) {
            throw refused("the process %d can't be stopped".formatted(process.pid()));
        }
    }

    private static ApiException refused(String why) {
        return new ApiException(409, "not_stopped", why);
    }

    private static void metrics(Call call, RunIndex.Entry run) throws ApiException, IOException {
        var lines = new Follower(run.file(MetricsFile.NAME), after(call).orElse(0L)).next();
        call.exchange().getResponseHeaders().set("Attune-Offset", "" + lines.next());
        String text = String.join("\n", lines.lines());
        call.text("application/x-ndjson", text.isEmpty() ? "" : text + "\n");
    }

    private static Optional<Long> after(Call call) throws ApiException {
        Headers headers = call.exchange().getRequestHeaders();
        Optional<String> given =
                Optional.ofNullable(headers.getFirst("Last-Event-ID"))
                        .or(() -> call.query("after"));
        if (given.isEmpty()) {
            return Optional.empty();
        }
        if (!given.get().matches("\\d{1,15}")) {
            throw ApiException.bad("after", "after is a number of bytes, as 0");
        }
        return Optional.of(Long.parseLong(given.get()));
    }

    private void events(Call call, RunIndex.Entry run)
            throws ApiException, IOException, InterruptedException {
        Path file = run.file(MetricsFile.NAME);
        long from = after(call).orElse(Follower.end(file));
        if (!streams.tryAcquire()) {
            throw new ApiException(
                    503, "too_many", "%d pages follow runs already".formatted(MOST_STREAMS));
        }
        try {
            follow(new Follower(file, from), run, call.reply(true));
        } finally {
            streams.release();
        }
    }

    /// Tells what is new until the page goes away, which a write notices.
    private void follow(Follower follower, RunIndex.Entry run, ExchangeReply reply)
            throws IOException, InterruptedException {
        String told = "";
        long looked = 0;
        while (true) {
            Follower.Lines lines = follower.next();
            if (lines.isAnew()) {
                reply.write(event("anew", lines.next(), "{}"));
            } else if (!lines.lines().isEmpty()) {
                String all = "[" + String.join(",", lines.lines()) + "]";
                reply.write(event("lines", lines.next(), all.replace('\r', ' ')));
            }
            if (told.isEmpty() || System.nanoTime() - looked > STATE_NANOS) {
                looked = System.nanoTime();
                String state = state(run);
                if (!state.equals(told)) {
                    told = state;
                    reply.write(event("state", lines.next(), state));
                }
            }
            reply.live();
            Thread.sleep(LOOK_MILLIS);
        }
    }

    private static String event(String name, long id, String data) {
        return "id: %d\nevent: %s\ndata: %s\n\n".formatted(id, name, data);
    }

    private String state(RunIndex.Entry entry) throws IOException {
        Optional<FoundRun> now = FoundRun.in(entry.folder(), Instant.now());
        return now.isEmpty()
                ? "{}" // between two runs in the same folder
                : Json.write(
                        rows.of(
                                new RunIndex.Entry(
                                        entry.id(), entry.name(), entry.folder(), now.get())));
    }

    private static void completions(Call call, RunIndex.Entry run, String[] path)
            throws ApiException, IOException {
        if (path.length == 2) {
            call.json(RunView.steps(run.folder()));
            return;
        }
        if (!path[2].matches("\\d{1,9}")) {
            throw ApiException.bad("step", "a step is a number, as 10");
        }
        try {
            call.json(RunView.round(run.folder(), Integer.parseInt(path[2])));
        } catch (NoSuchFileException e) {
            throw new ApiException(404, "not_found", "the run recorded no " + e.getMessage());
        }
    }

    private String preview(RunIndex.Entry run) throws ApiException {
        String method = run.run().card().map(RunCard::method).orElse("");
        if (method.isEmpty()) {
            throw new ApiException(404, "not_found", "the run has no run.json, so no known method");
        }
        Path config = config(run);
        queue.requireNoPrograms(method, config);
        Path began = Path.of(run.run().card().map(RunCard::directory).orElse(""));
        return commands.preview(
                method, config, Files.isDirectory(began) ? began : run.folder().getParent());
    }

    private static Path config(RunIndex.Entry run) throws ApiException {
        Path config = run.file("config.yaml");
        if (!Files.isRegularFile(config)) {
            throw new ApiException(404, "not_found", "the run has no config.yaml yet");
        }
        return config;
    }
}
