package org.attune.model.source;

import org.attune.error.HubException;
import org.attune.error.ModelException;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.files.TensorFile;
import org.attune.hub.HubDownload;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.GenerationDefaults;
import org.attune.model.config.MixersConfig;
import org.attune.text.TextAssets;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Where a model comes from: a GGUF file, or a Hugging Face folder (one's own or one in the local
/// hub cache). Opening reads configuration and tables of contents only. Owns the open files.
public sealed interface ModelSource extends AutoCloseable permits FolderModel, GgufModel {
    /// Resolves `model_name_or_path` with the process's environment and revision `main`. What isn't
    /// in the cache is downloaded.
    ///
    /// @throws ModelException if there is no such model, saying where it was looked for and what to
    ///     do; or if the model is damaged or of an unsupported family
    static ModelSource open(String nameOrPath) {
        return open(nameOrPath, HubCache.MAIN, HubDownload.cache());
    }

    /// Resolves `model_name_or_path`.
    ///
    /// @param nameOrPath path of a GGUF file or folder, `ORG/NAME` or `ORG/NAME@REVISION`
    /// @param revision   branch, tag or commit of a hub model
    /// @param cache      where to look for hub models
    static ModelSource open(String nameOrPath, String revision, HubCache cache) {
        Path path = GivenPath.of(nameOrPath);
        if (Files.isDirectory(path)) {
            return openFolder(nameOrPath, path);
        }
        if (Files.exists(path)) {
            if (!nameOrPath.endsWith(".gguf")) {
                throw new ModelException(
                        ("%s is a file; accepted: a file whose name ends in .gguf, or a folder "
                                        + "with config.json and *.safetensors")
                                .formatted(path));
            }
            return GgufModel.open(nameOrPath, path);
        }
        return openFolder(nameOrPath, downloaded(nameOrPath, revision, cache));
    }

    /// What the user wrote: adapters record it as `base_model_name_or_path`.
    String nameOrPath();

    /// The file or folder that was opened.
    Path path();

    /// Shape and kinds of the model's parts.
    DecoderConfig config();

    /// What the model recommends for generation.
    GenerationDefaults generation();

    /// The model with its blocks as often as ranges say, PEFT's `layer_replication`; takes the
    /// place of this one, whose files it has.
    ///
    /// @param ranges `[start, end)` of blocks; empty: as it is
    /// @throws ModelException if a range has blocks that the model hasn't, or they differ in kind
    default ModelSource repeating(List<List<Integer>> ranges) {
        DecoderConfig repeated = MixersConfig.repeated(config(), ranges);
        return switch (this) {
            case FolderModel m ->
                    new FolderModel(
                            m.nameOrPath(), m.path(), repeated, m.generation(), m.tensors());
            case GgufModel m -> new GgufModel(m.nameOrPath(), repeated, m.file(), m.tensors());
        };
    }

    /// The blocks of the files that stand in the model, in its order; empty: each once.
    default List<Integer> repeated() {
        return config().block().mixers().originals();
    }

    /// Weights by Hugging Face name, of blocks as the files have them. Owned by this source.
    TensorFile tensors();

    /// Tokenizer, special tokens and chat template; the caller closes it.
    TextAssets openText();

    @Override
    void close();

    private static ModelSource openFolder(String nameOrPath, Path folder) {
        if (Files.exists(folder.resolve("config.json"))) {
            return FolderModel.open(nameOrPath, folder);
        }
        if (Files.exists(folder.resolve("adapter_config.json"))) {
            throw new ModelException(
                    ("%s holds an adapter, not a model; give it as adapter_name_or_path and its "
                                    + "base as model_name_or_path")
                            .formatted(folder));
        }
        List<Path> ggufs = ggufFiles(folder);
        if (ggufs.size() == 1) {
            return GgufModel.open(nameOrPath, ggufs.getFirst());
        }
        throw new ModelException(
                ggufs.isEmpty()
                        ? folder + " holds neither config.json nor a .gguf file"
                        : "%s holds %d .gguf files; name one of them: %s"
                                .formatted(
                                        folder,
                                        ggufs.size(),
                                        ggufs.stream().map(Path::getFileName).toList()));
    }

    private static List<Path> ggufFiles(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().endsWith(".gguf")).sorted().toList();
        } catch (IOException e) {
            throw new ModelException(folder + " can't be read: " + e.getMessage(), e);
        }
    }

    private static Path downloaded(String name, String revision, HubCache cache) {
        String file =
                "model \"%s\": no such file or folder (looked at %s)"
                        .formatted(name, GivenPath.lookedAt(name, Path.of("")));
        if (!HubCache.isRepositoryName(name)) {
            throw new ModelException(file);
        }
        try {
            return cache.find(HubCache.Kind.MODELS, name, revision);
        } catch (HubException e) {
            throw new ModelException(file + "; as a name on the Hub: " + e.getMessage(), e);
        }
    }
}
