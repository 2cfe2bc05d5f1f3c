package org.attune.trainers.setup;

import org.attune.checkpoint.ModelWriter;
import org.attune.files.AtomicFile;
import org.attune.model.DecoderConfig;
import org.attune.model.GgufModel;
import org.attune.model.ModelExport;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.text.JinjaChatTemplate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/// Writes what was trained so that PEFT or transformers load it: an adapter folder with a page
/// that says how to use it, or a whole model in float32.
final class TrainedModelWriter implements ModelWriter {
    private final ModelSetup model;
    private final Policy policy;

    TrainedModelWriter(ModelSetup model, Policy policy) {
        this.model = model;
        this.policy = policy;
    }

    @Override
    public void write(Path folder) throws IOException {
        if (policy.adapter().isPresent()) {
            policy.saveAdapter(folder, model.source().nameOrPath());
            AtomicFile.writeText(folder.resolve("README.md"), page());
        } else {
            writeWhole(folder);
        }
        if (model.hasOtherTemplate()
                && model.text().template().orElse(null) instanceof JinjaChatTemplate jinja) {
            AtomicFile.writeText(folder.resolve("chat_template.jinja"), jinja.source());
        }
    }

    /// A model is written whole into a folder of its own, then its files take their places.
    private void writeWhole(Path folder) throws IOException {
        Path apart = folder.resolve(".model");
        ModelExport.write(
                apart,
                model.source(),
                policy.mergedConfig(DType.FLOAT32),
                policy.weights(DType.FLOAT32),
                ModelExport.DEFAULT_SHARD_BYTES);
        for (Path file : files(apart)) {
            Files.move(
                    file,
                    folder.resolve(file.getFileName()),
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        }
        Files.delete(apart);
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        }
    }

    private String page() {
        String base = model.source().nameOrPath();
        String folder = "BASE";
        String export =
                model.source() instanceof GgufModel
                        ? """
                        The base is a GGUF file. For Python, write it as a folder first, with the numbers this adapter was trained on:

                            attune export --model %s --output BASE

                        """
                                .formatted(base)
                        : "";
        if (export.isEmpty()) {
            folder = base;
        }
        if (policy.decoder().config().scores()) {
            return scorerPage(policy.decoder().config(), base, export, folder);
        }
        return """
        # LoRA adapter for %s

        %sIn Python:

            from peft import PeftModel
            from transformers import AutoModelForCausalLM, AutoTokenizer
            model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("%s"), "PATH OF THIS FOLDER")
            tokenizer = AutoTokenizer.from_pretrained("%s")

        With Attune: `attune chat --model %s --adapter FOLDER`; `attune merge` makes one model of both.
        """
                .formatted(base, export, folder, folder, base);
    }

    private static String scorerPage(
            DecoderConfig config, String base, String export, String folder) {
        String title =
                switch (config.scoreKind()) {
                    case SEQUENCE -> "Reward model";
                    case TOKEN -> "Process reward model";
                };
        String loader = "AutoModel" + config.scoreKind().classSuffix();
        return """
        # %s: LoRA adapter with a score head for %s

        %sIn Python:

            from peft import PeftModel
            from transformers import %s, AutoTokenizer
            base = %s.from_pretrained("%s", num_labels=%d)
            model = PeftModel.from_pretrained(base, "PATH OF THIS FOLDER")
            tokenizer = AutoTokenizer.from_pretrained("%s")

        `attune merge --model %s --adapter FOLDER --output DIR` makes one model of both.
        """
                .formatted(
                        title, base, export, loader, loader, folder, config.labels(), folder, base);
    }
}
