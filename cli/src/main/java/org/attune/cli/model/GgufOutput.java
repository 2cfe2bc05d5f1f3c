package org.attune.cli.model;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.AtomicFolder;
import org.attune.files.gguf.GgufText;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.source.GgufAdapter;
import org.attune.model.source.GgufExport;
import org.attune.model.source.GgufFileType;
import org.attune.model.source.ModelSource;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.policy.InputImportance;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Writes a model, with an adapter merged in if there is one, as a GGUF file, reads the file again
/// and says how far it computes the same.
///
/// @param type   of the file
/// @param folder for the file; the program that serves it finds its settings beside it
/// @param device that computes
/// @param run    file of a run whose rows say which columns of matrices count; or null
/// @param out    for the report
record GgufOutput(GgufFileType type, Path folder, String device, String run, PrintWriter out) {
    /// Texts that a file's tokenizer must cut as the model's does.
    private static final List<String> TEXTS =
            List.of(
                    "Hello, world! It's 12345 o'clock; we'll see.",
                    "  leading spaces, tabs\tand\n\nnew lines  \n",
                    "fooBar HTTPServer x=3.14; a[0] += b*c; // 100%",
                    "Ünïcode: 你好，世界 Привет мир مرحبا שלום नमस्ते 👍🏽 e\u0301",
                    "I'VE DON'T they're 1 22 333 4444 ½ ² ٣");

    /// @throws ConfigException naming the types if there is no such one
    static GgufFileType type(String name) {
        return GgufFileType.ofName(name.toLowerCase(Locale.ROOT))
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "--gguf: there is no type \"%s\"; accepted: %s"
                                                .formatted(
                                                        name,
                                                        String.join(", ", GgufFileType.titles()))));
    }

    /// Nothing stands under the folder's name before it was compared.
    void write(ModelConfig model) {
        OutputOptions.requireEmpty(folder);
        String name = name(model);
        String file = name + "-" + type.title() + ".gguf";
        try (AtomicFolder whole = AtomicFolder.create(folder)) {
            float[] own;
            int vocabulary;
            OptionalInt shorter;
            try (var loaded = LoadedModel.open(model.withDtype(DtypeChoice.FLOAT32))) {
                own = ProbeLogits.of(loaded.decoder(), loaded.adapterInUse());
                vocabulary = loaded.decoder().config().vocabSize();
                shorter = write(loaded, name, whole.path().resolve(file));
                compareTexts(loaded.setup().text(), whole.path().resolve(file));
                AtomicFile.writeText(whole.path().resolve("Modelfile"), "FROM ./" + file + "\n");
            }
            String said = compare(own, whole.path().resolve(file), vocabulary);
            whole.commit();
            out.printf("%s written; %s%n", folder.resolve(file), said);
            shorter.ifPresent(
                    tokens ->
                            out.printf(
                                    Locale.ROOT,
                                    "The file is for texts of up to %,d tokens: beyond them it"
                                            + " would compute something else than the model.%n",
                                    tokens));
        } catch (IOException e) {
            throw new ModelException(folder + " can't be written: " + e, e);
        }
    }

    /// Writes the adapter alone.
    ///
    /// @throws ConfigException if there is none, or the type has blocks
    void writeAdapter(ModelConfig model) {
        Set<GgufFileType> plain = EnumSet.of(GgufFileType.F32, GgufFileType.F16, GgufFileType.BF16);
        if (model.adapterNameOrPath().isEmpty() || !plain.contains(type)) {
            throw new ConfigException(
                    "--adapter-only needs --adapter and --gguf f32, f16 or bf16; got %s"
                            .formatted(type.title()));
        }
        OutputOptions.requireEmpty(folder);
        Path named = Path.of(model.adapterNameOrPath().get()).toAbsolutePath().getFileName();
        String name = plain(named.toString());
        String file = name + "-" + type.title() + ".gguf";
        try (AtomicFolder whole = AtomicFolder.create(folder);
                var loaded = LoadedModel.open(model.withDtype(DtypeChoice.FLOAT32))) {
            new GgufAdapter(loaded.decoder().config(), type)
                    .write(
                            whole.path().resolve(file),
                            name,
                            Policy.modules(loaded.decoder(), Optional.empty(), DType.FLOAT32),
                            loaded.setup().adapter().orElseThrow());
            whole.commit();
        } catch (IOException e) {
            throw new ModelException(folder + " can't be written: " + e, e);
        }
        out.printf(
                "%s written: llama.cpp's --lora, beside a GGUF file of the base%n",
                folder.resolve(file));
    }

    private static String name(ModelConfig model) {
        String last = Path.of(model.modelNameOrPath()).toAbsolutePath().getFileName().toString();
        return plain(last.replaceFirst("\\.gguf$", ""));
    }

    private static String plain(String name) {
        return name.replaceAll("[^A-Za-z0-9._-]", "-");
    }

    /// @return longest text of the file, if the model's is longer
    private OptionalInt write(LoadedModel loaded, String name, Path file) {
        DecoderConfig config =
                loaded.adapted()
                        .map(a -> a.mergedConfig(DType.FLOAT32))
                        .orElse(loaded.decoder().config());
        TextAssets text = loaded.setup().text();
        Map<String, Object> tokenizer =
                GgufText.of(
                        name,
                        GgufExport.architecture(config, name),
                        text.tokenizer().json(),
                        text.specials().byRole(),
                        config.special().eos(),
                        text.template().map(t -> t.source()),
                        config.vocabSize());
        int context =
                new GgufExport(config, tokenizer, type, importance(loaded))
                        .write(
                                file,
                                name,
                                OutputOptions.untilStopped(
                                        Policy.modules(
                                                loaded.decoder(),
                                                loaded.adapted(),
                                                DType.FLOAT32)));
        return context < config.maxPositionEmbeddings()
                ? OptionalInt.of(context)
                : OptionalInt.empty();
    }

    private Map<String, float[]> importance(LoadedModel loaded) {
        return run == null
                ? Map.of()
                : InputImportance.of(
                        loaded.decoder(), loaded.adapterInUse(), RunTexts.of(run, loaded.setup()));
    }

    private static void compareTexts(TextAssets own, Path file) {
        try (var source = ModelSource.open(file.toString());
                TextAssets written = source.openText()) {
            for (String text : TEXTS) {
                int[] expected = ids(own.tokenizer(), text);
                int[] got = ids(written.tokenizer(), text);
                if (!Arrays.equals(expected, got)) {
                    throw new ModelException(
                            "a GGUF file can't say how the model's tokenizer cuts text: \"%s\" becomes %s, in the file %s. Nothing is written"
                                    .formatted(
                                            text.strip(),
                                            Arrays.toString(expected),
                                            Arrays.toString(got)));
                }
            }
        }
    }

    private static int[] ids(Tokenizer tokenizer, String text) {
        return tokenizer.encode(text, true);
    }

    private String compare(float[] own, Path file, int vocabulary) {
        try (var written =
                LoadedModel.open(
                        ModelConfig.of(file.toString())
                                .withDtype(DtypeChoice.FLOAT32)
                                .withDevice(device))) {
            float[] read = ProbeLogits.of(written.decoder(), Adapter.OFF);
            var check = new GgufCheck(own, read, vocabulary);
            check.require(type);
            return check.words();
        }
    }
}
