{{/* What the schema of the values cannot see: values that do not go together. Each is told in one sentence. */}}
{{- define "twist.checks" -}}

{{- $own := dict
  "listen" "pods listen on port 9001, and service.port is where clients connect"
  "admin" "probes and metrics have port 9090"
  "tlsCert" "give tls.secretName"
  "tlsKey" "give tls.secretName"
  "authFile" "give auth.secretName"
  "record" "give recording.enabled"
  "once" "Kubernetes would start a pod that stops by itself again"
  "idleExit" "Kubernetes would start a pod that stops by itself again" -}}
{{- range $key, $instead := $own -}}
{{- if hasKey $.Values.config $key -}}
{{- fail (printf "config.%s is the chart's own: %s." $key $instead) -}}
{{- end -}}
{{- end -}}

{{- $stop := include "twist.stopSeconds" . | int64 -}}
{{- with .Values.terminationGracePeriodSeconds -}}
{{- if le (int64 .) $stop -}}
{{- fail (printf "terminationGracePeriodSeconds (%d) has to be more than preStopSeconds, config.drainDelay and config.drainTimeout together (%d), or clients are cut off before they are told to go: raise it, or leave it out." (int64 .) $stop) -}}
{{- end -}}
{{- end -}}

{{- if le (int64 .Values.progressDeadlineSeconds) (include "twist.minReadySeconds" . | int64) -}}
{{- fail (printf "progressDeadlineSeconds (%d) has to be more than minReadySeconds (%s)." (int64 .Values.progressDeadlineSeconds) (include "twist.minReadySeconds" .)) -}}
{{- end -}}

{{- if eq (toString .Values.config.workers) "auto" -}}
{{- fail "config.workers has to be a number: the chart divides the memory of the pod among them." -}}
{{- end -}}

{{- with include "twist.memoryLimit" . -}}
{{- $limit := include "twist.mebibytes" . | int64 -}}
{{- $given := $.Values.config.maxMemory -}}
{{- $max := include "twist.bytes" (default (include "twist.maxMemory" $) $given) | int64 -}}
{{- if and $given (ne (toString $given) "auto") -}}
{{- if ge (mul $max (include "twist.workers" $)) (mul $limit 1048576) -}}
{{- fail (printf "config.maxMemory (%v for each of %s) has to be less than resources.limits.memory (%s), or the kernel ends the pod before twist turns clients away." $given (include "twist.workers" $) .) -}}
{{- end -}}
{{- else if not $given -}}
{{- $message := include "twist.bytes" (default "16m" $.Values.config.maxMessage) | int64 -}}
{{- if lt $max (mul 4 $message) -}}
{{- fail (printf "resources.limits.memory (%s) leaves %dm for the clients of each process, less than four of the largest messages (config.maxMessage, %v): raise the one or lower the other." . (div $max 1048576) (default "16m" $.Values.config.maxMessage)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int64 .minReplicas) (int64 .maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas (%d) has to be at most autoscaling.maxReplicas (%d)." (int64 .minReplicas) (int64 .maxReplicas)) -}}
{{- end -}}
{{- $most := int64 (default 10000 $.Values.config.maxConnections) -}}
{{- if ge (int64 .targetSessions) $most -}}
{{- fail (printf "autoscaling.targetSessions (%d) has to be less than config.maxConnections (%d), or pods are full before another one is called for." (int64 .targetSessions) $most) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs has to name a gateway." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled .Values.tls.secretName (not .Values.httpRoute.backendTLS.hostname) -}}
{{- fail "httpRoute.backendTLS.hostname has to be given with tls.secretName: the gateway has to know which name is in the certificate of the pods." -}}
{{- end -}}

{{- if and .Values.serviceMonitor.enabled .Values.auth.secretName (not .Values.serviceMonitor.basicAuth) -}}
{{- fail "serviceMonitor.basicAuth has to be given with auth.secretName: /metrics asks for a password then." -}}
{{- end -}}
{{- end -}}

{{- define "twist.minReadySeconds" -}}
{{- if kindIs "invalid" .Values.minReadySeconds -}}
{{- include "twist.stopSeconds" . -}}
{{- else -}}
{{- int64 .Values.minReadySeconds -}}
{{- end -}}
{{- end -}}

{{- define "twist.gracePeriodSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "twist.stopSeconds" . | int64) 5 -}}
{{- else -}}
{{- int64 .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}
