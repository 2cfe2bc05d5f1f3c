package org.attune.springai;

import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.serve.ApiException;
import org.springframework.ai.retry.NonTransientAiException;
import org.springframework.ai.retry.TransientAiException;

/// Errors as Spring AI has them: those that another try may get around, and all others.
final class Problems {
    private Problems() {}

    static RuntimeException of(AttuneException why) {
        return switch (why) {
            case ApiException api when api.status() == 429 ->
                    new TransientAiException(why.getMessage(), why);
            case RolloutException _ -> new TransientAiException(why.getMessage(), why);
            default -> new NonTransientAiException(why.getMessage(), why);
        };
    }
}
