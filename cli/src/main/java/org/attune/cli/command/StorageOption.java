package org.attune.cli.command;

import org.attune.model.layer.Storage;

import picocli.CommandLine.Option;

/// How a command keeps the weights of the model it works with.
public final class StorageOption {
    @Option(
            names = "--quantization",
            paramLabel = "KIND",
            defaultValue = "auto",
            description =
                    "How weights of linear layers are kept, as a run's key of that name: auto,"
                            + " none, keep, int8, nf4, nf4_double, fp4 or fp4_double (default:"
                            + " ${DEFAULT-VALUE}). Take the one that the adapter was trained with.")
    public Storage quantization;
}
