/// Attune's models as Spring AI's: [AttuneChatModel] asks models that
/// [org.attune.serve.LocalModels] opened in this process. Spring Boot opens them by the properties
/// below `spring.ai.attune`.
package org.attune.springai;
