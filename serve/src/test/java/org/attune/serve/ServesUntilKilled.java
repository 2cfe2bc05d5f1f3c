package org.attune.serve;

import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;

/// A process that serves the embedded model with a store of feedback, and says where.
final class ServesUntilKilled {
    private ServesUntilKilled() {}

    public static void main(String[] args) throws InterruptedException {
        ModelConfig model = ModelConfig.of(args[0]).withDtype(DtypeChoice.FLOAT32);
        try (var server =
                ModelServer.open(ServeConfig.of(model).withFeedback(args[1]).withPort(0))) {
            System.out.println(server.url());
            Thread.sleep(600_000);
        }
    }
}
