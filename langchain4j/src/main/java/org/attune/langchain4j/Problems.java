package org.attune.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.RateLimitException;

import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.serve.ApiException;

/// Errors as LangChain4j has them.
final class Problems {
    private Problems() {}

    static LangChain4jException of(AttuneException why) {
        return switch (why) {
            case ApiException api when api.status() == 404 ->
                    new ModelNotFoundException(why.getMessage(), why);
            case ApiException api when api.status() == 429 ->
                    new RateLimitException(why.getMessage(), why);
            case RolloutException _ -> new InternalServerException(why.getMessage(), why);
            default -> new InvalidRequestException(why.getMessage(), why);
        };
    }
}
