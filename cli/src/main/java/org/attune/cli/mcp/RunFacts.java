package org.attune.cli.mcp;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.mcp.TrainingJobs.Job;
import org.attune.error.ConfigException;
import org.attune.error.Excerpt;
import org.attune.json.Json;
import org.attune.reports.page.HeldOutMetric;
import org.attune.reports.page.ReportPage;
import org.attune.reports.runs.FoundRun;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.report.RunCard;
import org.attune.trainers.report.SummaryFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What is known of a run, from its files and its process.
///
/// @param folder the run's `output_dir`
/// @param job its process, if it was started here
/// @param found empty if the files are of no run, or of one before the process
/// @param lastMetrics the last line of `metrics.jsonl`; empty if nothing was logged yet
record RunFacts(
        Path folder,
        Optional<Job> job,
        Optional<FoundRun> found,
        Optional<Map<String, Object>> lastMetrics) {
    static RunFacts of(Path folder, Optional<Job> job) {
        try {
            return of(
                    folder,
                    job,
                    Files.isDirectory(folder)
                            ? FoundRun.in(folder, Instant.now())
                            : Optional.empty());
        } catch (IOException e) {
            throw new ConfigException("%s can't be read: %s".formatted(folder, e.getMessage()), e);
        }
    }

    static RunFacts of(FoundRun run, Optional<Job> job) {
        return of(run.folder(), job, Optional.of(run));
    }

    private static RunFacts of(Path folder, Optional<Job> job, Optional<FoundRun> there) {
        Optional<FoundRun> found = there.filter(run -> isOf(run, job));
        return new RunFacts(folder, job, found, found.flatMap(run -> lastMetrics(run.folder())));
    }

    private static boolean isOf(FoundRun run, Optional<Job> job) {
        return job.isEmpty()
                || run.card().isPresent()
                        && run.card().get().worker().pid() == job.get().process().pid();
    }

    /// @throws ConfigException if there is no run
    RunFacts required() {
        if (found.isEmpty() && job.isEmpty()) {
            throw new ConfigException(
                    "%s holds no run; name a run's output_dir, which runs lists".formatted(folder));
        }
        return this;
    }

    boolean isUnderWay() {
        return job.isPresent()
                ? job.get().isAlive()
                : found.filter(run -> run.standing() == FoundRun.Standing.RUNNING).isPresent();
    }

    private String standing() {
        String told = found.map(run -> run.standing().text()).orElse("starting");
        boolean ended = job.isPresent() && !job.get().isAlive();
        if (!ended || job.get().process().exitValue() == 0 || told.equals("stopped")) {
            return told;
        }
        return job.get().askedToStop().get() ? "stopped" : "failed";
    }

    /// The last step of which anything is known: what `run.json` says is a beat old.
    int step() {
        int beat = found.flatMap(FoundRun::card).map(RunCard::step).orElse(0);
        return lastMetrics
                .map(line -> line.get(MetricKeys.STEP))
                .map(step -> step instanceof Number n ? Math.max(beat, n.intValue()) : beat)
                .orElse(beat);
    }

    int plannedSteps() {
        return found.flatMap(FoundRun::card).map(RunCard::plannedSteps).orElse(0);
    }

    private static Optional<Map<String, Object>> lastMetrics(Path folder) {
        try {
            List<Map<String, Object>> lines = MetricsFile.read(folder.resolve(MetricsFile.NAME));
            return lines.isEmpty() ? Optional.empty() : Optional.of(lines.getLast());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /// The run in a few fields.
    ObjectNode json() {
        ObjectNode node = Json.object().put("run", folder.toString()).put("standing", standing());
        found.flatMap(FoundRun::card)
                .map(RunCard::method)
                .or(() -> job.map(Job::method))
                .ifPresent(method -> node.put("method", method));
        node.put("step", step()).put("planned_steps", plannedSteps());
        found.flatMap(FoundRun::heldOut).ifPresent(held -> put(node, held));
        found.flatMap(FoundRun::card)
                .flatMap(RunCard::failure)
                .ifPresent(why -> node.put("failure", why));
        return node;
    }

    /// The run with its newest metrics, and what its process printed if it ended badly.
    ObjectNode withProgress() {
        ObjectNode node = json();
        lastMetrics.ifPresent(line -> node.set("last_metrics", Json.MAPPER.valueToTree(line)));
        String standing = standing();
        if (standing.equals("failed") && job.isPresent()) {
            node.put("printed", job.get().tail());
        }
        switch (standing) {
            case "starting", "running" -> node.put("next", "status with wait_seconds, or stop");
            case "finished" -> node.put("next", "report, then eval, chat or serve");
            case "stopped", "dead" ->
                    node.put(
                            "next",
                            "train again with the same keys, and resume: true if there is a"
                                    + " checkpoint");
            default -> node.put("next", "see what failed, change the keys, check and train again");
        }
        return node;
    }

    /// The run with its summary and the paths of its results.
    ObjectNode withResults() throws IOException {
        ObjectNode node = withProgress();
        Path summary = folder.resolve(SummaryFile.NAME);
        if (found.isPresent() && !isUnderWay() && Files.exists(summary)) {
            node.set("summary", Json.tree(Files.readString(summary)));
        }
        ObjectNode files = node.putObject("files");
        for (String name :
                List.of(
                        ReportPage.NAME,
                        "adapter_model.safetensors",
                        "model.safetensors",
                        "loss.png",
                        "reward.png",
                        MetricsFile.NAME)) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                files.put(name, file.toString());
            }
        }
        return node;
    }

    /// A line for those who wait.
    String line() {
        return lastMetrics.map(line -> Excerpt.begin(Json.compact(line), 200)).orElse(standing());
    }

    private static void put(ObjectNode node, HeldOutMetric held) {
        ObjectNode fields = node.putObject("held_out");
        fields.put("metric", held.key()).put("n", held.n());
        fields.put("before", finite(held.before())).put("after", finite(held.after()));
    }

    private static Double finite(OptionalDouble value) {
        return value.isPresent() && Double.isFinite(value.getAsDouble())
                ? value.getAsDouble()
                : null;
    }
}
