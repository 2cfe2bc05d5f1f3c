package org.attune.reports.page;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/// Writes folders as runs leave them.
public final class RunFolderSample {
    /// What a completion must not be able to do to the page.
    public static final String HOSTILE =
            "</script><img src=x onerror=\"document.title='taken'\"><!-- {body} ]]> &amp;"
                    + " \u202e\u0000";

    private RunFolderSample() {}

    /// A run with 40 held-out rows, completions, warnings and all else.
    ///
    /// @param right held-out rows that are right after training
    public static Path write(Path folder, int right) throws IOException {
        Files.createDirectories(folder.resolve("completions"));
        metrics(folder, 30);
        heldOut(folder, right);
        completions(folder, 10);
        completions(folder, 30);
        Files.writeString(
                folder.resolve("config.yaml"),
                "model_name_or_path: base\nseed: 7\nlearning_rate: %s\nrun_name: '%s'\n"
                        .formatted(right / 1e4, HOSTILE.replace("'", "''").replace("\0", "")));
        Files.writeString(folder.resolve("adapter_config.json"), "{}");
        Files.writeString(
                folder.resolve("summary.json"),
                """
                {"heldout": {"metric": "eval_reward", "n": 40, "before": 0.25, "after": %s},
                 "steps": 30, "interrupted": false, "seconds": {"load": 1.5, "rollout": 20.25},
                 "tokens_per_second": 1234.5, "peak_memory_bytes": 536870912}
                """
                        .formatted(right / 40.0));
        Files.writeString(
                folder.resolve("phases.json"), "{\"memory_bytes\": {\"rollout\": 536870912}}");
        Files.writeString(
                folder.resolve("warnings.jsonl"),
                "{\"time\": \"2026-01-02T03:04:05Z\", \"level\": \"WARN\", \"message\": %s}\n"
                        .formatted(quoted("beware of " + HOSTILE)));
        Files.writeString(
                folder.resolve("run.json"),
                """
                {"method": "grpo", "name": null, "state": "finished", "pid": 1, "host": "h",
                 "process_started": null, "command": ["attune", "grpo", %s], "directory": "d",
                 "attune": "0", "started": "2026-01-02T03:04:05Z",
                 "last_beat": "2026-01-02T03:05:05Z", "step": 30, "planned_steps": 30,
                 "failure": null, "facts": {"training rows (hash)": "abc123"}}
                """
                        .formatted(quoted(HOSTILE)));
        return folder;
    }

    /// Lines of `metrics.jsonl`, with a peak at one step that nobody may lose.
    public static void metrics(Path folder, int steps) throws IOException {
        Files.createDirectories(folder);
        var lines = new StringBuilder("{\"step\":0,\"epoch\":0,\"eval_reward\":0.25}\n");
        for (int step = 1; step <= steps; step++) {
            double loss = step == steps / 3 ? 99.5 : 1 + Math.sin(step / 7.0) / step;
            lines.append(
                    String.format(
                            Locale.ROOT,
                            "{\"step\":%d,\"epoch\":%f,\"num_tokens\":%d,\"tokens_per_second\":1000",
                            step,
                            step / 100.0,
                            step * 512));
            lines.append(",\"loss\":").append(loss);
            for (int m = 0; m < 24; m++) {
                lines.append(",\"metric_")
                        .append(m)
                        .append("\":")
                        .append(Math.cos(step * m * 0.37));
            }
            lines.append("}\n");
        }
        lines.append("{\"step\":%d,\"epoch\":1,\"eval_reward\":0.75}\n".formatted(steps));
        Files.writeString(folder.resolve("metrics.jsonl"), lines);
    }

    private static void heldOut(Path folder, int right) throws IOException {
        var lines = new StringBuilder();
        for (int row = 0; row < 40; row++) {
            lines.append(
                    """
                    {"row":%d,"where":"","prompt":%s,"before":{"step":0,"completion":"no","values":{"reward":%d}},"after":{"step":30,"completion":%s,"values":{"reward":%d}}}
                    """
                            .formatted(
                                    row,
                                    quoted("question " + row),
                                    row < 10 ? 1 : 0,
                                    quoted(row == 0 ? HOSTILE : "yes"),
                                    row < right ? 1 : 0));
        }
        Files.writeString(folder.resolve("heldout.jsonl"), lines);
    }

    private static void completions(Path folder, int step) throws IOException {
        List<String> prompts = new ArrayList<>();
        List<String> completions = new ArrayList<>();
        List<Double> exact = new ArrayList<>();
        List<Double> polite = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            prompts.add("prompt " + i / 4);
            completions.add(i == 1 ? HOSTILE : "completion " + i + " of step " + step);
            exact.add(i % 4 == 1 ? 1.0 : 0.0);
            polite.add(i == 7 ? null : i / 8.0);
        }
        new ParquetTable(
                        List.of(
                                new ParquetColumn.Longs(
                                        "step", Collections.nCopies(8, (long) step)),
                                new ParquetColumn.Texts("prompt", prompts),
                                new ParquetColumn.Texts("completion", completions),
                                new ParquetColumn.Doubles("exact", exact),
                                new ParquetColumn.Doubles("polite", polite)))
                .write(folder.resolve("completions/completions_%05d.parquet".formatted(step)));
        Path metrics = folder.resolve("metrics.jsonl");
        Files.writeString(
                metrics,
                Files.readString(metrics)
                        + "{\"step\":%d,\"rewards/exact/mean\":0.25,\"rewards/polite/mean\":0.4}\n"
                                .formatted(step));
    }

    private static String quoted(String text) {
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
    }
}
