/// Generation: sampling of tokens and text from a decoder.
package org.attune.rollout;
