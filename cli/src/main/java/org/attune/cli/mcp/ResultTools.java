package org.attune.cli.mcp;

import static org.attune.cli.mcp.Schema.Kind.COUNT;
import static org.attune.cli.mcp.Schema.Kind.TEXT;
import static org.attune.cli.mcp.Schema.Kind.TEXTS;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.mcp.Tool.Answer;
import org.attune.cli.mcp.Tool.Effect;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.reports.page.ReportPage;
import org.attune.reports.runs.FoundRun;
import org.attune.trainers.run.Methods;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// Tools about runs that are made or were made.
///
/// @param jobs runs that were started here
record ResultTools(Roots roots, TrainingJobs jobs) {
    private static final int LOOK_MILLIS = 500;

    List<Tool> all() {
        return List.of(
                new Tool(
                        "runs",
                        "List runs",
                        "All runs in a folder and below it: standing, steps, quality on held-out"
                                + " rows before and after.",
                        Effect.LOOKS,
                        new Schema().needs("folder", TEXT, "a folder above the runs"),
                        this::runs),
                new Tool(
                        "status",
                        "Status of a run",
                        "How far a run is, with its newest metrics, or why it failed.",
                        Effect.LOOKS,
                        new Schema()
                                .needs("run", TEXT, "its output_dir")
                                .takes(
                                        "wait_seconds",
                                        COUNT,
                                        "wait so long for its end, with progress (default: 0)"),
                        this::status),
                new Tool(
                        "report",
                        "Report of a run",
                        "What came of a run: held-out quality before and after, times, and the"
                                + " paths of its adapter and of report.html, the run on one page.",
                        Effect.LOOKS,
                        new Schema().needs("run", TEXT, "its output_dir"),
                        this::report),
                new Tool(
                        "compare",
                        "Compare runs",
                        "Write one HTML page about several runs side by side.",
                        Effect.REPLACES,
                        new Schema()
                                .needs("runs", TEXTS, "their output_dirs")
                                .needs("out", TEXT, "the page, a .html file"),
                        this::compare));
    }

    private RunFacts facts(String argument, String given) {
        Path folder = roots.require(argument, given);
        return RunFacts.of(folder, jobs.of(folder)).required();
    }

    private Answer runs(ToolCall call) {
        Path folder = roots.require("folder", call.arguments().need("folder"));
        ObjectNode node = Json.object().put("folder", folder.toString());
        ArrayNode list = node.putArray("runs");
        try {
            for (FoundRun run : FoundRun.find(folder, Instant.now())) {
                list.add(RunFacts.of(run, jobs.of(run.folder())).json());
            }
        } catch (IOException e) {
            throw ConfigException.about("folder", "%s can't be listed: %s".formatted(folder, e));
        }
        return Answer.of(node);
    }

    private Answer status(ToolCall call) throws InterruptedException {
        String run = call.arguments().need("run");
        long end =
                System.nanoTime()
                        + call.arguments().count("wait_seconds").orElse(0) * 1_000_000_000L;
        RunFacts facts = facts("run", run);
        while (facts.isUnderWay() && !call.isCancelled() && System.nanoTime() < end) {
            call.progress(facts.step(), facts.plannedSteps(), facts.line());
            call.await(LOOK_MILLIS);
            facts = facts("run", run);
        }
        return Answer.of(facts.withProgress());
    }

    private Answer report(ToolCall call) {
        RunFacts facts = facts("run", call.arguments().need("run"));
        try {
            return Answer.of(facts.withResults());
        } catch (IOException e) {
            throw ConfigException.about("run", "%s can't be read: %s".formatted(facts.folder(), e));
        }
    }

    private Answer compare(ToolCall call) {
        List<Path> runs = new ArrayList<>();
        for (String run : call.arguments().texts("runs")) {
            runs.add(facts("runs", run).folder());
        }
        Path out = roots.require("out", call.arguments().need("out"));
        if (runs.isEmpty() || !out.toString().endsWith(".html")) {
            throw new ConfigException(
                    "compare needs runs, at least one, and out, a file that ends in .html");
        }
        try {
            ReportPage.write(
                    runs, runs.stream().map(Path::toString).toList(), Methods::defaults, out);
            return Answer.of(
                    Json.object().put("page", out.toString()).put("bytes", Files.size(out)));
        } catch (IOException e) {
            throw ConfigException.about("out", "%s can't be written: %s".formatted(out, e));
        }
    }
}
