package org.attune.cli.command;

import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The model a command works with.
public final class ModelOptions {
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "MODEL",
            description = "Folder in Hugging Face layout, .gguf file, or name on the Hub.")
    public String model;

    @Option(
            names = {"-a", "--adapter"},
            paramLabel = "ADAPTER",
            description = "PEFT folder of an adapter.")
    public String adapter;

    @Option(
            names = "--device",
            defaultValue = "auto",
            description = "auto, cpu, cuda or cuda:N (default: ${DEFAULT-VALUE}).")
    public String device;

    @Mixin StorageOption storage;

    @Option(
            names = "--chat-template",
            paramLabel = "TEMPLATE",
            description =
                    "Jinja file, folder with a chat template, or name as chatml or llama3, instead"
                            + " of the adapter's or the model's.")
    String chatTemplate;

    public ModelConfig config(DtypeChoice dtype) {
        ModelConfig config =
                ModelConfig.of(model)
                        .withDevice(device)
                        .withDtype(dtype)
                        .withQuantization(storage.quantization);
        if (chatTemplate != null) {
            config = config.withChatTemplatePath(chatTemplate);
        }
        return adapter == null ? config : config.withAdapterNameOrPath(adapter);
    }
}
