package org.attune.images;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.json.Json;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// The files of a model folder that say how pictures become inputs, in the style of transformers 5
/// (one nested `processor_config.json`) or of those before.
final class ImageFiles {
    private static final String PREPROCESSOR = "preprocessor_config.json";
    private static final String PROCESSOR = "processor_config.json";

    /// Kinds of models → classes of the pictures' and the texts' settings, for folders that don't
    /// name them.
    private static final Map<String, String[]> CLASSES =
            Map.ofEntries(
                    Map.entry("idefics3", pair("Idefics3ImageProcessor", "Idefics3Processor")),
                    Map.entry("smolvlm", pair("SmolVLMImageProcessor", "SmolVLMProcessor")),
                    Map.entry("qwen2_vl", pair("Qwen2VLImageProcessor", "Qwen2VLProcessor")),
                    Map.entry("qwen2_5_vl", pair("Qwen2VLImageProcessor", "Qwen2_5_VLProcessor")),
                    Map.entry("qwen3_vl", pair("Qwen2VLImageProcessor", "Qwen3VLProcessor")),
                    Map.entry("gemma3", pair("Gemma3ImageProcessor", "Gemma3Processor")),
                    Map.entry("paligemma", pair("SiglipImageProcessor", "PaliGemmaProcessor")),
                    Map.entry("llava", pair("CLIPImageProcessor", "LlavaProcessor")),
                    Map.entry("llava_next", pair("LlavaNextImageProcessor", "LlavaNextProcessor")),
                    Map.entry(
                            "llava_onevision",
                            pair("LlavaOnevisionImageProcessor", "LlavaOnevisionProcessor")),
                    Map.entry("internvl", pair("GotOcr2ImageProcessor", "InternVLProcessor")),
                    Map.entry("mistral3", pair("PixtralImageProcessor", "PixtralProcessor")));

    private final Path folder;
    private final ObjectNode preprocessor;
    private final ObjectNode processor;
    private final ObjectNode tokenizer;
    private final String modelType;

    ImageFiles(Path folder) {
        this.folder = folder;
        this.preprocessor = read(PREPROCESSOR);
        this.processor = read(PROCESSOR);
        this.tokenizer = read("tokenizer_config.json");
        this.modelType = read("config.json").path("model_type").asText("");
    }

    private static String[] pair(String images, String text) {
        return new String[] {images, text};
    }

    /// Whether the folder says anything about pictures.
    boolean hasPictures() {
        return processor.path("image_processor").isObject()
                || preprocessor.has("image_mean")
                || preprocessor.has("image_processor_type");
    }

    /// The name of the class of the pictures' settings, without what it says of the backend.
    String imageType() {
        JsonNode settings = imageSettings();
        String type =
                settings.path("image_processor_type")
                        .asText(settings.path("feature_extractor_type").asText(""))
                        .replaceFirst("(Fast|Pil)$", "")
                        .replaceFirst("FeatureExtractor$", "ImageProcessor")
                        .replaceFirst("^Qwen2_5_VLImage", "Qwen2VLImage");
        if (type.isEmpty()) {
            type = byModel()[0];
        }
        if (!defaults().has(type)) {
            throw new ModelException(
                    "%s: image_processor_type is %s; accepted: %s"
                            .formatted(
                                    imageFile(),
                                    type,
                                    String.join(
                                            ", ",
                                            defaults().properties().stream()
                                                    .map(Map.Entry::getKey)
                                                    .toList())));
        }
        return type;
    }

    String textClass() {
        for (JsonNode file : new JsonNode[] {processor, preprocessor, tokenizer}) {
            String name = file.path("processor_class").asText("");
            if (!name.isEmpty()) {
                return name;
            }
        }
        return byModel()[1];
    }

    private String[] byModel() {
        return Optional.ofNullable(CLASSES.get(modelType))
                .orElseThrow(
                        () ->
                                new ModelException(
                                        ("%s: neither image_processor_type and processor_class nor"
                                             + " the model_type \"%s\" of config.json say how"
                                             + " pictures are prepared")
                                                .formatted(imageFile(), modelType)));
    }

    private JsonNode imageSettings() {
        JsonNode nested = processor.path("image_processor");
        return nested.isObject() ? nested : preprocessor;
    }

    private Path imageFile() {
        boolean isNested = processor.path("image_processor").isObject();
        return folder.resolve(isNested ? PROCESSOR : PREPROCESSOR);
    }

    /// Settings of pictures: those of the class, of the folder, and of the user, the later before
    /// the earlier.
    ImageSettings images(String type, ObjectNode users) {
        ObjectNode settings = defaults().get(type).deepCopy();
        for (JsonNode file : new JsonNode[] {imageSettings(), users}) {
            file.properties().stream()
                    .filter(entry -> !entry.getValue().isNull())
                    .forEach(entry -> settings.set(entry.getKey(), entry.getValue()));
        }
        if (users.has("size")) { // it would be hidden by what the folder says in the older style
            settings.remove(java.util.List.of("min_pixels", "max_pixels"));
        }
        return new ImageSettings(imageFile().toString(), settings);
    }

    ImageSettings texts() {
        return new ImageSettings(folder.resolve(PROCESSOR).toString(), processor);
    }

    /// Names of special tokens; later versions nest some.
    ImageSettings tokens() {
        ObjectNode names = Json.object();
        for (String group :
                new String[] {"extra_special_tokens", "model_specific_special_tokens"}) {
            if (tokenizer.path(group) instanceof ObjectNode nested) {
                names.setAll(nested);
            }
        }
        tokenizer
                .properties()
                .forEach(
                        entry -> {
                            JsonNode content = entry.getValue().path("content");
                            names.set(
                                    entry.getKey(),
                                    content.isTextual() ? content : entry.getValue());
                        });
        return new ImageSettings(folder.resolve("tokenizer_config.json").toString(), names);
    }

    /// Settings of each class where files say nothing.
    static ObjectNode defaults() {
        return Defaults.BY_CLASS;
    }

    private static final class Defaults {
        static final ObjectNode BY_CLASS = load();

        private static ObjectNode load() {
            try (InputStream file = ImageFiles.class.getResourceAsStream("processors.json")) {
                return (ObjectNode) Json.STRICT.readTree(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private ObjectNode read(String name) {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            return Json.object();
        }
        try {
            if (Json.STRICT_WITH_NAN.readTree(Files.readString(file))
                    instanceof ObjectNode object) {
                return object;
            }
        } catch (JsonProcessingException e) {
            throw new ModelException(file + " is no JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage(), e);
        }
        throw new ModelException(file + " holds no JSON object");
    }
}
