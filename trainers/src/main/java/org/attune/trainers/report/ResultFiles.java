package org.attune.trainers.report;

import org.attune.hub.UploadFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Which files of a run's folder are for others to see.
public final class ResultFiles {
    private static final Pattern MODEL =
            Pattern.compile(
                    "adapter_config\\.json|adapter_model\\.safetensors|config\\.json"
                            + "|generation_config\\.json|model.*\\.safetensors(\\.index\\.json)?"
                            + "|tokenizer.*|special_tokens_map\\.json|chat_template\\.jinja"
                            + "|README\\.md");

    private static final Pattern REPORTS =
            Pattern.compile(
                    "metrics\\.jsonl|summary\\.json|trainer_state\\.json|loss\\.png|reward\\.png"
                            + "|runs/.*");

    /// What is on the machine's account, or may hold rows of data that others may not see; paths
    /// in the configuration too.
    private static final Pattern PRIVATE =
            Pattern.compile(
                    "(.*/)?\\..*|.*\\.tmp|(checkpoint-\\d+|earlier-\\d+|completions)/.*|run\\.json"
                            + "|config\\.yaml|report\\.html|heldout\\.jsonl|warnings\\.jsonl");

    private ResultFiles() {}

    /// What is needed to use the model in a folder.
    static List<UploadFile> model(Path folder) throws IOException {
        return matching(folder, "", MODEL);
    }

    /// Metrics, plots and what came of the run.
    static List<UploadFile> reports(Path folder) throws IOException {
        return matching(folder, "", REPORTS);
    }

    /// All files of a folder, under a name in the repository.
    static List<UploadFile> all(Path folder, String name) throws IOException {
        return matching(folder, name + "/", Pattern.compile(".*"));
    }

    /// All files of a folder.
    public static List<UploadFile> all(Path folder) throws IOException {
        return matching(folder, "", Pattern.compile(".*"));
    }

    /// The files of a folder but those for the machine alone: hidden ones, checkpoints, earlier
    /// runs, completions, held-out rows, warnings, the report, `run.json` and `config.yaml`.
    public static List<UploadFile> shown(Path folder) throws IOException {
        return matching(folder, "", Pattern.compile("(?!(" + PRIVATE.pattern() + ")$).*"));
    }

    private static List<UploadFile> matching(Path folder, String prefix, Pattern names)
            throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(
                            file ->
                                    new UploadFile(
                                            folder.relativize(file).toString().replace('\\', '/'),
                                            file))
                    .filter(file -> names.matcher(file.path()).matches())
                    .map(file -> new UploadFile(prefix + file.path(), file.content()))
                    .sorted((a, b) -> a.path().compareTo(b.path()))
                    .toList();
        }
    }
}
