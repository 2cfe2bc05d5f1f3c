package org.attune.trainers.report;

import org.attune.files.HubCache;
import org.attune.hub.HubRepository;
import org.attune.trainers.loop.RunSummary;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// A model card: what the model is, from what it was made, and its held-out quality.
/// Its head is the YAML that the Hub reads. Paths of the machine are left out.
///
/// @param method as in a command, e.g. `dpo`
/// @param summary what the method does, in a line
/// @param base name or path of the model that was trained
/// @param datasets names or paths of the data sets
/// @param settings keys that differ from their defaults, with values
/// @param version of Attune
public record ModelCard(
        String method,
        String summary,
        String base,
        List<String> datasets,
        Map<String, String> settings,
        String version) {
    public static final String NAME = "README.md";

    public ModelCard {
        datasets = List.copyOf(datasets);
        settings = new LinkedHashMap<>(settings);
    }

    /// The card's text.
    ///
    /// @param model folder with the model; a page in it that says how to use it becomes a part
    /// @param result of the run; empty while it goes on
    String text(Path model, HubRepository repository, Optional<RunSummary> result, int step)
            throws IOException {
        String title = repository.name().substring(repository.name().indexOf('/') + 1);
        var text = new StringBuilder(head(model, title));
        text.append("# ").append(title).append("\n\n");
        text.append(
                "%s, trained by Attune %s with `attune %s` (%s) on %s.%n%n"
                        .formatted(
                                shown(base),
                                version,
                                method,
                                summary.replaceAll("\\.$", ""),
                                datasets.isEmpty()
                                        ? "data that is not named"
                                        : String.join(
                                                ", ",
                                                datasets.stream().map(this::shown).toList())));
        text.append(
                result.map(ModelCard::result)
                        .orElse("Training goes on: this is step " + step + ".\n"));
        if (!settings.isEmpty()) {
            text.append("\n## Settings that are not the defaults\n\n| key | value |\n|---|---|\n");
            settings.forEach(
                    (key, value) -> text.append("| `%s` | `%s` |%n".formatted(key, cell(value))));
        }
        return text.append(usage(model, repository)).toString();
    }

    private String head(Path model, String title) {
        boolean adapter = Files.exists(model.resolve("adapter_config.json"));
        var head = new StringBuilder("---\n");
        if (isOnHub(base)) {
            head.append("base_model: ").append(base.replaceFirst("@.*", "")).append('\n');
        }
        List<String> named = datasets.stream().filter(ModelCard::isOnHub).toList();
        if (!named.isEmpty()) {
            head.append("datasets:\n");
            named.forEach(d -> head.append("- ").append(d.replaceFirst("@.*", "")).append('\n'));
        }
        head.append("library_name: ").append(adapter ? "peft" : "transformers").append('\n');
        head.append("model_name: '").append(title.replace("'", "''")).append("'\n");
        head.append("tags:\n- attune\n- ").append(method).append('\n');
        return head.append("---\n\n").toString();
    }

    private static String result(RunSummary summary) {
        var text = new StringBuilder("| | |\n|---|---|\n");
        summary.heldout()
                .ifPresent(
                        h ->
                                text.append(
                                        "| `%s` on %d held-out rows | %s before, %s after |%n"
                                                .formatted(
                                                        h.metric(),
                                                        h.n(),
                                                        number(h.before()),
                                                        number(h.after()))));
        text.append("| optimizer steps | %d |%n".formatted(summary.steps()));
        double seconds =
                summary.secondsByPhase().values().stream().mapToDouble(Double::doubleValue).sum();
        text.append(String.format(Locale.ROOT, "| time | %.0f s |%n", seconds));
        if (summary.peakMemoryBytes() > 0) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "| peak memory | %.1f GiB |%n",
                            summary.peakMemoryBytes() / (double) (1L << 30)));
        }
        return text.toString();
    }

    private static String number(OptionalDouble value) {
        return value.isPresent()
                ? String.format(Locale.ROOT, "%.4f", value.getAsDouble())
                : "not measured";
    }

    /// The page that stands beside the model, unless it is such a card.
    private String usage(Path model, HubRepository repository) throws IOException {
        Path page = model.resolve(NAME);
        String text = Files.exists(page) ? Files.readString(page) : "";
        if (text.startsWith("---") || text.isBlank()) {
            return "\n## Use\n\n`attune chat --model %s`%n".formatted(repository.name());
        }
        return "\n#"
                + text.replace("PATH OF THIS FOLDER", repository.name())
                        .replace("--adapter FOLDER", "--adapter " + repository.name())
                        .replace(base, shown(base));
    }

    private static boolean isOnHub(String name) {
        return HubCache.isRepositoryName(name) && !Files.exists(Path.of(name));
    }

    /// A name on the Hub, or a path's last part.
    private String shown(String name) {
        return isOnHub(name) ? name : String.valueOf(Path.of(name).getFileName());
    }

    private static String cell(String value) {
        return value.replace("|", "\\|").replace("\n", " ").replace("`", "'");
    }
}
