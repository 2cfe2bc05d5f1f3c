package org.attune.serve;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.attune.files.FileTail;
import org.attune.json.Json;
import org.attune.models.ModelConfig;
import org.attune.serve.HttpDoor.Handler;
import org.attune.serve.HttpDoor.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/// Trains adapters on the served model for who asks, in the form of OpenAI's
/// `/v1/fine_tuning/jobs`. A job is a run in a separate process; one works at a time, and its
/// adapter is served when it ends. Jobs outlive the server: what was open goes on from its newest
/// checkpoint when a server opens the folder again. Thread-safe.
final class TuningDesk implements HttpDoor.Desk {
    private static final Logger LOG = LoggerFactory.getLogger(TuningDesk.class);
    private static final int MOST_JOBS = 1000;
    private static final int LOG_BYTES = 2000;
    private static final long GRACE_SECONDS = 20;

    private final Path folder;
    private final BiFunction<String, Path, List<String>> commands;
    private final ModelConfig base;
    private final String baseName;
    private final AdapterDesk adapters;
    private final TuningFiles files;
    private final Map<String, TuningJob> jobs = new LinkedHashMap<>();
    private boolean closed;

    private TuningDesk(
            Path folder,
            BiFunction<String, Path, List<String>> commands,
            ModelConfig base,
            String baseName,
            AdapterDesk adapters)
            throws IOException {
        this.folder = folder.toAbsolutePath().normalize();
        this.commands = commands;
        this.base = base;
        this.baseName = baseName;
        this.adapters = adapters;
        files = new TuningFiles(this.folder.resolve("files"));
        Files.createDirectories(this.folder.resolve("jobs"));
    }

    /// Opens a folder with its files and jobs, serves the adapters of those that have ended, and
    /// goes on with the others.
    ///
    /// @param commands words of the command that trains: by method, and the run's file
    /// @param base the model that is trained
    /// @param baseName what requests call it
    /// @throws ConfigException if the folder can't be used
    static TuningDesk open(
            Path folder,
            BiFunction<String, Path, List<String>> commands,
            ModelConfig base,
            String baseName,
            AdapterDesk adapters) {
        try {
            var desk = new TuningDesk(folder, commands, base, baseName, adapters);
            desk.readJobs();
            return desk;
        } catch (IOException e) {
            throw ConfigException.about("fine_tuning", "%s can't be used: %s".formatted(folder, e));
        }
    }

    private synchronized void readJobs() throws IOException {
        List<TuningJob> found = new ArrayList<>();
        try (Stream<Path> folders = Files.list(folder.resolve("jobs"))) {
            for (Path one : folders.filter(p -> Files.exists(p.resolve("job.json"))).toList()) {
                found.add(TuningJob.read(one));
            }
        }
        found.sort(
                Comparator.comparingLong(
                        job -> ((Number) job.fields().get("created_at")).longValue()));
        for (TuningJob job : found) {
            jobs.put(job.id(), job);
            if (job.status().equals("succeeded")) {
                serve(job);
            } else if (job.isOpen()) {
                job.to("queued", "The server was started again; the job goes on");
            }
        }
        next();
    }

    private void serve(TuningJob job) {
        try {
            adapters.put(job.adapter().orElseThrow(), job.result().toString());
        } catch (AttuneException e) {
            LOG.warn("the adapter of {} can't be served: {}", job.id(), e.getMessage());
        }
    }

    @Override
    public List<Route> routes() {
        return List.of(
                route("POST", "/v1/files", files::upload),
                route("GET", "/v1/files", files::list),
                route("GET", "/v1/files/", files::show),
                route("DELETE", "/v1/files/", files::delete),
                route("POST", "/v1/fine_tuning/jobs", this::create),
                route("GET", "/v1/fine_tuning/jobs", this::list),
                route("GET", "/v1/fine_tuning/jobs/", this::show),
                route("POST", "/v1/fine_tuning/jobs/", this::change));
    }

    private static Route route(String method, String path, Handler handler) {
        return new Route(method, path, false, handler);
    }

    private synchronized void create(Call call) throws ApiException, IOException {
        TuningRequest request = TuningRequest.of(call.body());
        if (jobs.size() >= MOST_JOBS) {
            throw new ApiException(409, "too_many_jobs", "there are %d jobs".formatted(MOST_JOBS));
        }
        Optional<Path> start = start(request.model());
        String rows =
                request.rows(files.read(request.trainingFile(), "training_file"), "training_file");
        Optional<String> heldOut = Optional.empty();
        if (request.validationFile().isPresent()) {
            byte[] file = files.read(request.validationFile().get(), "validation_file");
            heldOut = Optional.of(request.rows(file, "validation_file"));
        }
        Path own =
                Files.createDirectory(
                        folder.resolve("jobs").resolve("ftjob-" + CallIds.next() + CallIds.next()));
        AtomicFile.writeText(own.resolve("train.jsonl"), rows);
        if (heldOut.isPresent()) {
            AtomicFile.writeText(own.resolve("validation.jsonl"), heldOut.get());
        }
        AtomicFile.writeText(
                own.resolve("run.yaml"), Json.write(run(request, start, own, heldOut.isPresent())));
        TuningJob job = TuningJob.of(own, request);
        job.to("queued", "Created fine-tuning job: " + job.id());
        jobs.put(job.id(), job);
        next();
        call.json(job.fields());
    }

    /// The adapter that a job begins with.
    private Optional<Path> start(String model) throws ApiException {
        if (model.equals(baseName)) {
            return Optional.empty();
        }
        for (TuningJob job : jobs.values()) {
            if (job.adapter().filter(model::equals).isPresent()) {
                return Optional.of(job.result());
            }
        }
        throw ApiException.bad(
                "model",
                "\"model\" is \"%s\"; accepted: %s, or a model that was fine-tuned here"
                        .formatted(model, baseName));
    }

    /// A run's file; JSON is YAML.
    private Map<String, Object> run(
            TuningRequest request, Optional<Path> start, Path own, boolean heldOut) {
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("model_name_or_path", base.modelNameOrPath());
        keys.put("datasets", own.resolve("train.jsonl").toString());
        if (heldOut) {
            keys.put("eval_datasets", own.resolve("validation.jsonl").toString());
            keys.put("eval_strategy", "epoch");
        }
        keys.put("output_dir", own.resolve("out").toString());
        if (start.isPresent()) {
            keys.put("adapter_name_or_path", start.get().toString());
        } else {
            keys.put("use_peft", true);
            keys.put("lora_target_modules", "all-linear");
        }
        keys.put("device", base.device());
        base.chatTemplatePath().ifPresent(path -> keys.put("chat_template_path", path));
        keys.put("quantization", base.quantization().name().toLowerCase(Locale.ROOT));
        keys.put("assistant_only_loss", true);
        keys.put("num_train_epochs", request.epochs());
        keys.put("per_device_train_batch_size", request.batchSize());
        keys.put("learning_rate", request.learningRate());
        request.beta().ifPresent(beta -> keys.put("beta", beta));
        keys.put("seed", request.seed());
        keys.put("logging_steps", 1);
        keys.put("save_strategy", "epoch");
        return keys;
    }

    private synchronized void list(Call call) throws ApiException, IOException {
        TuningPage.answer(
                call,
                List.copyOf(jobs.values()).reversed().stream().map(TuningJob::fields).toList());
    }

    private synchronized void show(Call call) throws ApiException, IOException {
        String[] parts = call.name().split("/", 2);
        TuningJob job = job(parts[0]);
        switch (parts.length == 1 ? "" : parts[1]) {
            case "" -> call.json(job.fields());
            case "events" -> TuningPage.answer(call, job.events());
            case "checkpoints" -> TuningPage.answer(call, checkpoints(job));
            default -> throw unknown(call);
        }
    }

    private static ApiException unknown(Call call) {
        return new ApiException(
                404, "not_found", "there is nothing at /v1/fine_tuning/jobs/" + call.name());
    }

    private TuningJob job(String id) throws ApiException {
        TuningJob job = jobs.get(id);
        if (job == null) {
            throw new ApiException(404, "not_found", "there is no fine-tuning job of this id");
        }
        return job;
    }

    private List<Map<String, Object>> checkpoints(TuningJob job) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (int step : job.checkpoints().reversed()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("object", "fine_tuning.job.checkpoint");
            one.put("id", "ftckpt-" + job.id() + "-" + step);
            one.put("created_at", job.fields().get("created_at"));
            one.put("fine_tuned_model_checkpoint", nameOf(job) + ":ckpt-step-" + step);
            one.put("fine_tuning_job_id", job.id());
            one.put("step_number", step);
            Map<String, Object> metrics = new LinkedHashMap<>();
            metrics.put("step", step);
            for (Map<?, ?> line : job.metrics()) {
                if (((Number) line.get("step")).intValue() == step) {
                    put(metrics, "train_loss", line.get("loss"));
                    put(metrics, "full_valid_loss", line.get("eval_loss"));
                }
            }
            one.put("metrics", metrics);
            all.add(one);
        }
        return all;
    }

    private static void put(Map<String, Object> metrics, String key, Object value) {
        if (value != null) {
            metrics.put(key, value);
        }
    }

    /// `POST /v1/fine_tuning/jobs/ID/` and `cancel`, `pause` or `resume`.
    private synchronized void change(Call call) throws ApiException, IOException {
        String[] parts = call.name().split("/", 2);
        TuningJob job = job(parts[0]);
        switch (parts.length == 1 ? "" : parts[1]) {
            case "cancel" -> stop(job, "cancelled", "The job was cancelled");
            case "pause" -> stop(job, "paused", "The job was paused");
            case "resume" -> {
                require(job, job.status().equals("paused"), "resumed");
                job.to("queued", "The job goes on");
                next();
            }
            default -> throw unknown(call);
        }
        call.json(job.fields());
    }

    private void stop(TuningJob job, String status, String message)
            throws ApiException, IOException {
        boolean paused = job.status().equals("paused") && status.equals("cancelled");
        require(job, job.isOpen() || paused, status);
        job.stop(status);
        job.to(status, message);
        // What works ends with a checkpoint, then the next one begins.
    }

    private static void require(TuningJob job, boolean fits, String wanted) throws ApiException {
        if (!fits) {
            throw new ApiException(
                    400,
                    "invalid_state",
                    "a job that is %s can't be %s".formatted(job.status(), wanted));
        }
    }

    /// Starts what waits longest, if nothing works.
    private void next() throws IOException {
        if (closed || jobs.values().stream().anyMatch(TuningJob::isWorking)) {
            return;
        }
        for (TuningJob job : jobs.values()) {
            if (job.status().equals("queued")) {
                start(job);
                return;
            }
        }
    }

    private void start(TuningJob job) throws IOException {
        List<String> words = commands.apply(job.command(), job.folder().resolve("run.yaml"));
        try {
            job.start(words);
        } catch (IOException e) {
            job.failed("server_error", "the run can't be started: " + e.getMessage());
            return;
        }
        job.to("running", "Fine-tuning job started");
        job.process()
                .onExit()
                .thenAccept(ended -> ended(job, ended.exitValue()))
                .exceptionally(
                        e -> {
                            LOG.warn("fine-tuning can't go on", e);
                            return null;
                        });
    }

    private synchronized void ended(TuningJob job, int code) {
        boolean asked = !job.wanted().equals("succeeded");
        job.ended();
        try {
            if (closed) {
                return; // which goes on when the server is started again
            }
            if (!asked) {
                finish(job, code);
            }
            next();
        } catch (IOException e) {
            LOG.warn("what became of {} can't be written", job.id(), e);
        }
    }

    private void finish(TuningJob job, int code) throws IOException {
        if (code != 0) {
            String log = FileTail.read(job.folder().resolve("run.log"), LOG_BYTES).strip();
            job.failed("training_failed", log);
            return;
        }
        String name = nameOf(job);
        job.fields().put("fine_tuned_model", name);
        job.metrics().stream()
                .map(line -> line.get("num_tokens"))
                .filter(Number.class::isInstance)
                .reduce((_, last) -> last)
                .ifPresent(tokens -> job.fields().put("trained_tokens", tokens));
        Map<String, Object> table = files.add("step_metrics.csv", "fine-tune-results", job.table());
        job.fields().put("result_files", List.of(table.get("id")));
        serve(job);
        job.to("succeeded", "The job has successfully completed; the model is " + name);
    }

    private String nameOf(TuningJob job) {
        Object suffix = job.fields().get("user_provided_suffix");
        String own = job.id().substring("ftjob-".length());
        return "ft:%s:%s:%s".formatted(baseName, suffix == null ? "attune" : suffix, own);
    }

    /// Ends what works with a checkpoint, from which another server goes on.
    @Override
    public void close() {
        List<Process> alive = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (TuningJob job : jobs.values()) {
                if (job.isWorking()) {
                    alive.add(job.process());
                    job.process().destroy();
                }
            }
        }
        for (Process process : alive) {
            try {
                process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
