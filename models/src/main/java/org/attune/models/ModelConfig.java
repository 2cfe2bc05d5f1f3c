package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;

import org.attune.adapter.AdapterConfig;
import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.images.ImagePipeline;
import org.attune.model.layer.Storage;
import org.attune.records.CopyMethods;
import org.attune.text.parse.protocol.ToolProtocols;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Which model is trained, and how its numbers are held.
///
/// @param modelNameOrPath folder in Hugging Face layout, GGUF file, or hub name found in the
///     local cache; required
/// @param modelRevision revision of a name on the Hub
/// @param adapterNameOrPath PEFT folder of the adapter to start from; unset: a fresh one
/// @param dtype number format of frozen weights and products; adapters and optimizer are
///     float32 always. TRL's default is float32 weights with bfloat16 autocast, which is what
///     `bfloat16` does here
/// @param device `auto`, `cpu`, `cuda` or `cuda:N`
/// @param quantization how frozen weights of linear layers are kept
/// @param chatTemplatePath Jinja file, folder of a tokenizer, or name of a known template
///     ([org.attune.text.JinjaChatTemplate#NAMES]) that replaces the model's
/// @param toolProtocol how the model is told of tools, asks for them and reads what they answer.
///     With `HERMES` and `LINE` tools, calls and results stand in ordinary messages; `AUTO` does so
///     in episodes only, of models whose template knows no tools
/// @param eosToken token that ends a sequence; unset: the tokenizer's
/// @param imageBackend whose arithmetic prepares pictures
/// @param imageSettings settings of pictures in place of the model's, by the names that they have
///     in `preprocessor_config.json`
/// @param imageCacheDir folder of what a frozen encoder makes of pictures, which runs share, by
///     content; unset: it is kept in memory alone
@Api(EXPERIMENTAL)
@CopyMethods
public record ModelConfig(
        @NotBlank(
                        message =
                                "a folder in Hugging Face layout, a .gguf file, or a name on the"
                                        + " Hub")
                String modelNameOrPath,
        String modelRevision,
        Optional<String> adapterNameOrPath,
        DtypeChoice dtype,
        @Pattern(regexp = "auto|cpu|cuda(:\\d+)?", message = "auto, cpu, cuda or cuda:N")
                String device,
        Storage quantization,
        Optional<String> chatTemplatePath,
        ToolProtocols.Choice toolProtocol,
        Optional<String> eosToken,
        ImagePipeline.Backend imageBackend,
        Map<String, Object> imageSettings,
        Optional<Path> imageCacheDir)
        implements ModelConfigCopies {
    public ModelConfig {
        imageSettings = Collections.unmodifiableMap(new LinkedHashMap<>(imageSettings));
    }

    /// The defaults, as listed at the parameters.
    public static ModelConfig defaults() {
        return ModelConfigCopies.blank()
                .withModelNameOrPath("")
                .withModelRevision("main")
                .withDtype(DtypeChoice.AUTO)
                .withDevice("auto")
                .withQuantization(Storage.AUTO)
                .withToolProtocol(ToolProtocols.Choice.AUTO)
                .withImageBackend(ImagePipeline.Backend.TORCHVISION);
    }

    public static ModelConfig of(String modelNameOrPath) {
        return defaults().withModelNameOrPath(given(modelNameOrPath, "modelNameOrPath"));
    }

    /// The model or adapter of a folder, on the same device and in the same format.
    ///
    /// @param folder of a model, or of an adapter that names its base
    /// @throws ConfigException if an adapter names no base
    public ModelConfig ofFolder(Path folder) {
        ModelConfig other =
                of(folder.toString()).withDevice(device).withDtype(dtype).ofAdapterAlone();
        // An adapter on the same base computes with the same numbers, and shares them.
        return other.modelNameOrPath().equals(modelNameOrPath)
                ? other.withQuantization(quantization)
                : other;
    }

    /// Splits the folder of an adapter into the base that it names and the adapter; a model stays
    /// as it is.
    ///
    /// @throws ConfigException if it names none
    public ModelConfig ofAdapterAlone() {
        Path folder = GivenPath.of(modelNameOrPath);
        if (adapterNameOrPath.isPresent()
                || Files.exists(folder.resolve("config.json"))
                || !Files.exists(folder.resolve("adapter_config.json"))) {
            return this;
        }
        String base =
                AdapterConfig.read(folder)
                        .baseModel()
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                modelNameOrPath
                                                        + "/adapter_config.json names no"
                                                        + " base_model_name_or_path"));
        return withModelNameOrPath(base).withAdapterNameOrPath(modelNameOrPath);
    }

    /// Removes the adapter to start from.
    public ModelConfig withoutAdapter() {
        return new ModelConfig(
                modelNameOrPath,
                modelRevision,
                Optional.empty(),
                dtype,
                device,
                quantization,
                chatTemplatePath,
                toolProtocol,
                eosToken,
                imageBackend,
                imageSettings,
                imageCacheDir);
    }
}
