package org.attune.springai;

import io.micrometer.observation.ObservationRegistry;

import org.attune.serve.LocalModels;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/// Has Spring Boot open a model by the properties below `spring.ai.attune`, unless
/// `spring.ai.model.chat` names another starter. An application that makes [LocalModels] itself
/// gets a chat model over those.
@AutoConfiguration
@ConditionalOnProperty(
        name = SpringAIModelProperties.CHAT_MODEL,
        havingValue = "attune",
        matchIfMissing = true)
@EnableConfigurationProperties(AttuneProperties.class)
final class AttuneAutoConfiguration {
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    LocalModels attuneModels(AttuneProperties properties) {
        return properties.takesAdapters()
                ? LocalModels.open(properties.config())
                : LocalModels.openAlone(properties.config());
    }

    @Bean
    @ConditionalOnMissingBean
    AttuneChatModel attuneChatModel(
            LocalModels models,
            AttuneProperties properties,
            ObjectProvider<ObservationRegistry> registry,
            ObjectProvider<ChatModelObservationConvention> convention) {
        return AttuneChatModel.of(models)
                .withOptions(properties.options(models.name()))
                .withObservations(
                        registry.getIfUnique(() -> ObservationRegistry.NOOP),
                        convention.getIfUnique(DefaultChatModelObservationConvention::new));
    }
}
