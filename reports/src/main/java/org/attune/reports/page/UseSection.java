package org.attune.reports.page;

import org.attune.trainers.report.RunCard;

import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Commands that go on from a run's result.
final class UseSection {
    private UseSection() {}

    static Section of(ReportedRun run) {
        var body = new Html();
        String folder = quoted(run.folder().toString());
        boolean adapter = Files.exists(run.folder().resolve("adapter_config.json"));
        boolean model = Files.exists(run.folder().resolve("config.json"));
        String base = quoted(run.setting("model_name_or_path"));
        Map<String, String> commands = new LinkedHashMap<>();
        boolean scores = List.of("reward", "prm", "rerank").contains(run.method());
        boolean judges = List.of("classify", "rerank", "embed").contains(run.method());
        String what = adapter ? "--model " + base + " --adapter " + folder : "--model " + folder;
        if (adapter || model) {
            if (scores) {
                commands.put(
                        "score rows",
                        "attune score " + what + " --data ROWS.jsonl --out SCORES.jsonl");
            }
            if (judges) {
                commands.put("measure it", "attune eval " + what + " --data ROWS.jsonl");
            } else if (!scores) {
                commands.put("talk to it", "attune chat " + what);
                commands.put("measure it", "attune eval " + what + " --help");
            }
            if (adapter) {
                commands.put(
                        "merge the adapter into the model, a folder that servers such as vLLM and"
                                + " programs in Python read",
                        "attune merge " + what + " --output MERGED");
            }
        } else {
            body.element("p", "The folder holds no result: the run didn't come to its end.");
            commands.put("go on from the newest checkpoint, if there is one", resume(run));
        }
        commands.put("make this page anew", "attune report " + folder + " --out report.html");
        body.open("dl", "class", "commands");
        commands.forEach(
                (purpose, command) -> {
                    body.element("dt", purpose).open("dd");
                    body.element("code", command).close("dd");
                });
        body.close("dl");
        return new Section("use", "Use the result", body);
    }

    private static String resume(ReportedRun run) {
        return run.card()
                .map(RunCard::command)
                .filter(command -> !command.isEmpty()) // a program's run has none
                .map(command -> String.join(" ", command) + " resume=true")
                .orElse("attune METHOD RUN.yaml resume=true");
    }

    /// Quotes a word so that a shell reads it as it is.
    private static String quoted(String word) {
        return word.matches("[\\w@%+=:,./~-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
