package org.attune.serve;

import org.attune.json.Json;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.rollout.constraint.Constraint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// The embedded model as tests of other modules use it: as it is, or told what to write. All else
/// is then the engine's own: prompts, tokens, reading of calls, ends.
public final class ScriptedModels {
    static final Path MODEL = Path.of(System.getProperty("attune.root", ".."), "examples", "model");

    /// Tokens of prompt and answer; the embedded model was made for fewer.
    private static final int LENGTH = 4096;

    private ScriptedModels() {}

    /// The embedded model under the name `tiny`, in float32, so that it takes longer prompts.
    ///
    /// @param folder for a copy of it
    public static ServeConfig config(Path folder) {
        String model = longer(folder).toString();
        return ServeConfig.of(ModelConfig.of(model).withDtype(DtypeChoice.FLOAT32))
                .withName("tiny");
    }

    /// Opens the embedded model so that it writes what a script says.
    ///
    /// @param folder for a copy of it
    /// @param script from a prompt, as the chat template renders it, to texts, of which it writes
    ///     the first that the request's format allows
    public static LocalModels open(
            Path folder, UnaryOperator<ServeConfig> change, Function<String, List<String>> script) {
        return LocalModels.open(
                change.apply(config(folder)),
                true,
                chat -> {
                    Optional<Constraint> form = chat.format().constraint();
                    List<String> texts = script.apply(chat.prompt().text());
                    String first =
                            texts.stream()
                                    .filter(text -> form.map(f -> f.matches(text)).orElse(true))
                                    .findFirst()
                                    .orElseThrow(
                                            () ->
                                                    new IllegalStateException(
                                                            "the format of %s allows none of %s"
                                                                    .formatted(
                                                                            chat.prompt().text(),
                                                                            texts)));
                    Constraint said = Constraint.choice(List.of(first));
                    return new FormatRequest(Optional.of(said), Optional.empty());
                });
    }

    private static Path longer(Path folder) {
        try (var files = Files.list(MODEL)) {
            Files.createDirectories(folder);
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path copy = folder.resolve(file.getFileName().toString());
                if (copy.endsWith("config.json")) {
                    Files.writeString(
                            copy,
                            Files.readString(file)
                                    .replaceAll(
                                            "(max_position_embeddings\": )\\d+", "$1" + LENGTH));
                } else {
                    Files.copy(file, copy);
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A call as the embedded model writes it, whose template knows no tools.
    public static String call(String tool, Map<String, Object> arguments) {
        return "<tool_call>\n"
                + Json.write(Map.of("name", tool, "arguments", arguments))
                + "\n</tool_call>";
    }
}
