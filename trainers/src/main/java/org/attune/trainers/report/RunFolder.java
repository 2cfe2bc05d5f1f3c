package org.attune.trainers.report;

import org.attune.error.ConfigException;
import org.attune.files.AtomicFolder;
import org.attune.trainers.config.Resume;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A run's `output_dir`, to which only it writes. A new run that finds an earlier one there moves
/// its files into `earlier-N/`. Nothing is lost, and no old checkpoint is taken for a new one; it
/// does so when its first step is done, so a run that can't start leaves everything in its place.
public final class RunFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunFolder.class);

    /// What runs write at the top of their folder; anything else is the user's and stays.
    private static final Pattern OURS =
            Pattern.compile(
                    "checkpoint-\\d+|runs|wandb|run\\.json|config\\.yaml|metrics\\.jsonl|trainer_state\\.json"
                        + "|summary\\.json|report\\.html|heldout\\.jsonl|phases\\.json|warnings\\.jsonl|loss\\.png|reward\\.png|completions|value_model|adapter_config\\.json"
                        + "|adapter_model\\.safetensors|config\\.json|generation_config\\.json"
                        + "|model.*\\.safetensors(\\.index\\.json)?|tokenizer.*\\.json"
                        + "|special_tokens_map\\.json|chat_template\\.jinja|README\\.md");

    /// What a killed run had not finished; the number is its process.
    private static final Pattern UNFINISHED = Pattern.compile("\\..+\\.(\\d+)(-\\d+)?\\.tmp");

    private final Path outputDir;
    private final RunLock lock;
    private final boolean earlier;

    private RunFolder(Path outputDir, RunLock lock, boolean earlier) {
        this.outputDir = outputDir;
        this.lock = lock;
        this.earlier = earlier;
    }

    /// Makes the folder ready for a run.
    ///
    /// @param inputs folders that the run reads; none may lie in what would be moved
    /// @throws ConfigException if another run writes there
    public static RunFolder open(Path outputDir, Resume resume, List<Optional<String>> inputs) {
        try {
            Files.createDirectories(outputDir);
            RunLock lock = RunLock.take(outputDir);
            try {
                return new RunFolder(outputDir, lock, tidy(outputDir, resume, inputs));
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException e) {
            throw new ConfigException(
                    "output_dir: " + outputDir + " cannot be written: " + e + "; choose another",
                    e);
        }
    }

    /// Whether there is something to be moved.
    private static boolean tidy(Path outputDir, Resume resume, List<Optional<String>> inputs)
            throws IOException {
        deleteUnfinished(outputDir);
        Path completions = outputDir.resolve(CompletionsFile.FOLDER);
        if (Files.isDirectory(completions)) {
            deleteUnfinished(completions);
        }
        boolean earlier =
                switch (resume) {
                    case Resume.No() -> holdsRun(outputDir);
                    case Resume.Latest() ->
                            checkpoints(outputDir).isEmpty() && holdsResult(outputDir);
                    case Resume.From(_) -> false;
                };
        if (earlier) {
            requireApart(outputDir, inputs);
        }
        return earlier;
    }

    /// Whether an earlier run's results stand where this one's will.
    public boolean holdsEarlierRun() {
        return earlier;
    }

    /// Moves the earlier run's results to `earlier-N/`.
    void moveEarlierRun() {
        try {
            moveAside(outputDir);
        } catch (IOException e) {
            throw new ConfigException(
                    "output_dir: the earlier run in %s can't be moved aside: %s; choose another output_dir"
                            .formatted(outputDir, e),
                    e);
        }
    }

    /// Lets other runs in.
    @Override
    public void close() {
        lock.close();
    }

    private static void deleteUnfinished(Path outputDir) throws IOException {
        List<Path> entries;
        try (Stream<Path> all = Files.list(outputDir)) {
            entries = all.filter(RunFolder::isUnfinished).toList();
        }
        for (Path entry : entries) {
            if (Files.isDirectory(entry)) {
                AtomicFolder.deleteWhole(entry);
            } else {
                Files.delete(entry);
            }
        }
    }

    private static boolean isUnfinished(Path entry) {
        Matcher name = UNFINISHED.matcher(entry.getFileName().toString());
        return name.matches()
                && name.group(1).length() < 10
                && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty();
    }

    private static boolean holdsRun(Path outputDir) throws IOException {
        return Files.exists(outputDir.resolve(MetricsFile.NAME))
                || !checkpoints(outputDir).isEmpty();
    }

    /// A finished run's, which kept no checkpoint to go on from.
    private static boolean holdsResult(Path outputDir) {
        return Files.exists(outputDir.resolve("trainer_state.json"));
    }

    private static List<Path> checkpoints(Path outputDir) throws IOException {
        return ours(outputDir).stream()
                .filter(p -> p.getFileName().toString().startsWith("checkpoint-"))
                .toList();
    }

    private static List<Path> ours(Path outputDir) throws IOException {
        try (Stream<Path> entries = Files.list(outputDir)) {
            return entries.filter(p -> OURS.matcher(p.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
    }

    private static void requireApart(Path outputDir, List<Optional<String>> inputs) {
        for (Optional<String> input : inputs) {
            if (input.isPresent() && liesIn(input.get(), outputDir)) {
                throw new ConfigException(
                        "output_dir: %s holds an earlier run, and this one starts from %s in it; choose another output_dir, or set resume: true to continue that run"
                                .formatted(outputDir, input.get()));
            }
        }
    }

    private static void moveAside(Path outputDir) throws IOException {
        List<Path> entries = ours(outputDir);
        int n = 1;
        while (Files.exists(outputDir.resolve("earlier-" + n))) {
            n++;
        }
        Path aside = Files.createDirectory(outputDir.resolve("earlier-" + n));
        for (Path entry : entries) {
            Files.move(entry, aside.resolve(entry.getFileName()));
        }
        LOG.info("an earlier run was moved to {}; resume: true would have continued it", aside);
    }

    private static boolean liesIn(String input, Path outputDir) {
        return Path.of(input)
                .toAbsolutePath()
                .normalize()
                .startsWith(outputDir.toAbsolutePath().normalize());
    }
}
