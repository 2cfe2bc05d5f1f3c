package org.attune.board;

import org.attune.files.AtomicFile;
import org.attune.files.FileTail;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Runs that requests have started or that wait: one works at a time, in the order in which they
/// came. Their files are in the first root. What waits is forgotten when the board ends; what works
/// goes on, unless the terminal's Ctrl-C reaches it too. Thread-safe.
final class RunQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunQueue.class);
    private static final String NAME = "board-run-%d";
    private static final int LOG_BYTES = 200_000;
    private static final int MOST = 100;

    private final BoardConfig config;
    private final RunIndex index;
    private final RunCommands commands;
    private final List<Item> items = new ArrayList<>();

    RunQueue(BoardConfig config, RunIndex index, RunCommands commands) {
        this.config = config;
        this.index = index;
        this.commands = commands;
    }

    private static final class Item {
        final int number;
        final String method;
        final Path file;
        final Path output;
        String state = "waiting";
        Optional<Process> process = Optional.empty();

        Item(int number, String method, Path file, Path output) {
            this.number = number;
            this.method = method;
            this.file = file;
            this.output = output;
        }

        Path log() {
            return file.resolveSibling(NAME.formatted(number) + ".log");
        }

        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("number", number);
            fields.put("method", method);
            fields.put("output", output.getFileName().toString());
            fields.put("state", state);
            return fields;
        }
    }

    /// `GET /api/queue`
    synchronized void list(Call call) throws IOException {
        call.json(
                Map.of(
                        "allowed", config.startsRuns(),
                        "items", items.stream().map(Item::fields).toList()));
    }

    /// `POST /api/check` with `method` and `yaml`: what is wrong, as the command says it.
    void check(Call call) throws ApiException, IOException {
        Fields body = call.body();
        body.require(Set.of("method", "yaml"), Map.of());
        Path file = Files.createTempFile(index.roots().getFirst(), ".check", ".yaml");
        try {
            Files.writeString(file, body.text("yaml").orElse(""));
            String name = file.getFileName().toString();
            call.json(
                    commands.problems(method(body), file).stream()
                            .map(line -> line.replace(file.toString(), "run.yaml"))
                            .map(line -> line.replace(name, "run.yaml"))
                            .toList());
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static String method(Fields body) throws ApiException {
        return body.text("method").orElseThrow(() -> body.bad("method", "is missing, as dpo"));
    }

    /// `POST /api/queue` with `method` and `yaml`: starts the run, or has it wait.
    synchronized void add(Call call) throws ApiException, IOException {
        requireAllowed();
        Fields body = call.body();
        body.require(Set.of("method", "yaml"), Map.of());
        if (items.size() >= MOST) {
            throw new ApiException(409, "queue_full", "the queue has %d runs".formatted(MOST));
        }
        Path root = index.roots().getFirst();
        int number = free(root);
        String method = method(body);
        Path file = root.resolve(NAME.formatted(number) + ".yaml");
        AtomicFile.writeText(file, body.text("yaml").orElse(""));
        try {
            var item = new Item(number, method, file, output(method, file));
            items.add(item);
            next();
            call.json(item.fields());
        } catch (RuntimeException e) {
            Files.deleteIfExists(file);
            throw e;
        }
    }

    private static int free(Path folder) {
        int number = 1;
        while (Files.exists(folder.resolve(NAME.formatted(number) + ".yaml"))) {
            number++;
        }
        return number;
    }

    private void requireAllowed() throws ApiException {
        if (!config.startsRuns()) {
            throw new ApiException(
                    403, "not_allowed", "this board starts no runs; --allow-start permits it");
        }
    }

    /// Refuses a run's file that names programs, unless the board was told to allow it.
    void requireNoPrograms(String method, Path file) throws ApiException {
        if (config.startsPrograms()) {
            return;
        }
        List<String> programs = commands.programs(method, file);
        if (!programs.isEmpty()) {
            throw new ApiException(
                    403,
                    "not_allowed",
                    "the run's file names programs (%s); --allow-programs permits them"
                            .formatted(String.join(", ", programs)));
        }
    }

    private Path output(String method, Path file) throws ApiException, IOException {
        List<String> problems = commands.problems(method, file);
        if (!problems.isEmpty()) {
            throw ApiException.bad("yaml", String.join("\n", problems));
        }
        requireNoPrograms(method, file);
        Path output = commands.outputDir(method, file).toAbsolutePath().normalize();
        Path there = output;
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        Path real = there.toRealPath();
        if (index.roots().stream().noneMatch(real::startsWith)) {
            throw ApiException.bad(
                    "output_dir",
                    "output_dir is %s; accepted: a folder below %s"
                            .formatted(output, index.roots().getFirst()));
        }
        return output;
    }

    /// Starts what waits longest, if nothing works.
    private void next() {
        if (items.stream().anyMatch(item -> item.state.equals("running"))) {
            return;
        }
        for (Item item : items) {
            if (item.state.equals("waiting")) {
                start(item);
                return;
            }
        }
    }

    private void start(Item item) {
        try {
            Process process =
                    new ProcessBuilder(commands.training(item.method, item.file))
                            .redirectErrorStream(true)
                            .redirectOutput(item.log().toFile())
                            .start();
            process.getOutputStream().close(); // a run asks nobody
            item.process = Optional.of(process);
            item.state = "running";
            process.onExit()
                    .thenAccept(ended -> ended(item, ended.exitValue()))
                    .exceptionally(
                            e -> {
                                LOG.warn("the queue can't go on", e);
                                return null;
                            });
        } catch (IOException e) {
            item.state = "failed: " + e.getMessage();
            LOG.warn("a run can't be started", e);
        }
    }

    private synchronized void ended(Item item, int code) {
        item.state =
                switch (code) {
                    case 0 -> "finished";
                    case 130, 143 -> "stopped";
                    default -> "failed (exit code " + code + ")";
                };
        next();
    }

    /// `POST /api/queue/cancel` with `number`: what waits is dropped, what works is asked to stop.
    synchronized void cancel(Call call) throws ApiException, IOException {
        requireAllowed();
        Fields body = call.body();
        body.require(Set.of("number"), Map.of());
        int number = body.integer("number", 1, Integer.MAX_VALUE, 0);
        Item item =
                items.stream()
                        .filter(one -> one.number == number)
                        .findFirst()
                        .orElseThrow(() -> body.bad("number", "is of no run in the queue"));
        if (item.state.equals("waiting")) {
            item.state = "cancelled";
        } else {
            item.process.filter(Process::isAlive).ifPresent(Process::destroy);
        }
        call.json(item.fields());
    }

    /// The end of what a run printed, if this queue started it; else empty.
    synchronized String log(Path folder) throws IOException {
        for (Item item : items.reversed()) {
            if (item.output.equals(folder) && Files.exists(item.log())) {
                return FileTail.read(item.log(), LOG_BYTES);
            }
        }
        return "";
    }

    /// Starts nothing more.
    @Override
    public synchronized void close() {
        items.removeIf(item -> item.state.equals("waiting"));
    }
}
