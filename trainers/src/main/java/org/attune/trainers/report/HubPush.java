package org.attune.trainers.report;

import org.attune.error.ConfigException;
import org.attune.error.HubException;
import org.attune.files.AtomicFile;
import org.attune.files.HubCache;
import org.attune.hub.HubRepository;
import org.attune.hub.HubSettings;
import org.attune.hub.HubUpload;
import org.attune.hub.UploadFile;
import org.attune.trainers.config.HubConfig;
import org.attune.trainers.config.HubStrategy;
import org.attune.trainers.config.Secret;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/// Uploads what a run makes to the Hub, as `push_to_hub` and its keys say. The repository is made
/// before the first step, so a token that may not write ends the run before it costs anything.
/// Checkpoints go on another thread, and one that fails is told and left out. Comes after the
/// listeners whose files it uploads.
public final class HubPush implements TrainingListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HubPush.class);

    private final HubConfig config;
    private final HubUpload upload;
    private final Path outputDir;
    private final ModelCard card;
    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("attune-hub").factory());

    private HubRepository repository;
    private OptionalInt saved = OptionalInt.empty();
    private volatile boolean busy;
    private Optional<String> address = Optional.empty();
    private Optional<String> failure = Optional.empty();

    /// @param settings of the environment; the run's token goes before theirs
    /// @param outputDir the run's folder
    public HubPush(HubConfig config, HubSettings settings, Path outputDir, ModelCard card) {
        this.config = config;
        this.outputDir = outputDir;
        this.card = card;
        upload = new HubUpload(settings.withToken(config.hubToken().map(Secret::value)), _ -> {});
    }

    /// Where the result is, once it is uploaded.
    public Optional<String> address() {
        return address;
    }

    /// Why the result wasn't uploaded.
    public Optional<String> failure() {
        return failure;
    }

    @Override
    public void onStart(RunInfo info) {
        Path name = outputDir.toAbsolutePath().normalize().getFileName();
        var wanted =
                new HubRepository(
                        HubCache.Kind.MODELS,
                        config.hubModelId().orElse(String.valueOf(name)),
                        config.hubRevision().orElse(HubCache.MAIN));
        try {
            repository = upload.create(wanted, config.hubPrivateRepo());
        } catch (HubException e) {
            throw new ConfigException("push_to_hub: " + e.getMessage(), e);
        }
    }

    /// Notes the step; the checkpoint becomes visible after this.
    @Override
    public void onSave(int step, Path checkpoint) {
        saved = OptionalInt.of(step);
    }

    @Override
    public void onStep(int step, long tokens, PhaseClock clock) {
        pushSaved();
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        pushSaved();
    }

    private void pushSaved() {
        if (saved.isEmpty() || config.hubStrategy() == HubStrategy.END) {
            return;
        }
        int step = saved.getAsInt();
        Path checkpoint = outputDir.resolve("checkpoint-" + step);
        if (!Files.isDirectory(checkpoint) || busy && !config.hubAlwaysPush()) {
            return; // not there yet; or the newest is looked at when the one before is through
        }
        saved = OptionalInt.empty();
        busy = true;
        worker.execute(
                () -> {
                    try {
                        pushCheckpoint(step, checkpoint);
                    } catch (HubException | IOException e) {
                        LOG.warn(
                                "checkpoint-{} was not uploaded: {}; the run goes on",
                                step,
                                e.getMessage());
                    } finally {
                        busy = false;
                    }
                });
    }

    private void pushCheckpoint(int step, Path checkpoint) throws IOException {
        List<UploadFile> files = new ArrayList<>(ResultFiles.model(checkpoint));
        files.removeIf(file -> file.path().equals(ModelCard.NAME));
        files.addAll(ResultFiles.reports(outputDir));
        String message = "Training in progress, step " + step;
        Path page = Files.createTempFile("attune-card", ".md");
        try {
            Files.writeString(page, card.text(checkpoint, repository, Optional.empty(), step));
            files.add(new UploadFile(ModelCard.NAME, page));
            upload.push(repository, files, message);
        } finally {
            Files.delete(page);
        }
        switch (config.hubStrategy()) {
            case CHECKPOINT -> pushWhole(checkpoint, "last-checkpoint", message);
            case ALL_CHECKPOINTS -> pushWhole(checkpoint, "checkpoint-" + step, message);
            case END, EVERY_SAVE -> {}
        }
    }

    private void pushWhole(Path checkpoint, String name, String message) throws IOException {
        upload.push(repository, ResultFiles.all(checkpoint, name), message + ", checkpoint");
    }

    /// Uploads the result, and says in `README.md` what it is.
    @Override
    public void onEnd(RunSummary summary) {
        if (summary.interrupted()) {
            return;
        }
        try {
            pushSaved();
            worker.shutdown();
            while (!worker.awaitTermination(1, TimeUnit.SECONDS)) {
                LOG.debug("waiting for the upload of a checkpoint");
            }
            String text = card.text(outputDir, repository, Optional.of(summary), summary.steps());
            AtomicFile.writeText(outputDir.resolve(ModelCard.NAME), text);
            List<UploadFile> files = new ArrayList<>(ResultFiles.model(outputDir));
            files.addAll(ResultFiles.reports(outputDir));
            address = Optional.of(upload.push(repository, files, "End of training"));
        } catch (HubException | IOException e) {
            failure = Optional.of(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failure = Optional.of("interrupted");
        }
    }

    /// The run's folder.
    public Path folder() {
        return outputDir;
    }

    /// The repository's name.
    public String target() {
        return String.valueOf(repository);
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }
}
