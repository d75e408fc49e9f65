{{- define "twist.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that "-metrics" behind it is a name too. */}}
{{- define "twist.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "twist.selectorLabels" -}}
app.kubernetes.io/name: {{ include "twist.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "twist.labels" -}}
{{ include "twist.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "twist.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "twist.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: it has to be given where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "twist.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A duration of twist ("500ms", "30s", "5m", "2h", "off") in whole seconds, rounded up. */}}
{{- define "twist.seconds" -}}
{{- $text := toString . -}}
{{- if eq $text "off" -}}0
{{- else -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexFind "[a-z]+$" $text -}}
{{- if eq $unit "ms" -}}{{ div (add $number 999) 1000 }}
{{- else if eq $unit "s" -}}{{ $number }}
{{- else if eq $unit "m" -}}{{ mul $number 60 }}
{{- else -}}{{ mul $number 3600 }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A size of twist ("64k", "16m", 1024) in bytes. */}}
{{- define "twist.bytes" -}}
{{- $text := toString (kindIs "float64" . | ternary (int64 .) .) -}}
{{- $number := regexFind "^[0-9]+" $text | int64 -}}
{{- $unit := regexFind "[a-z]+$" $text -}}
{{- if eq $unit "k" -}}{{ mul $number 1024 }}
{{- else if eq $unit "m" -}}{{ mul $number 1048576 }}
{{- else if eq $unit "g" -}}{{ mul $number 1073741824 }}
{{- else -}}{{ $number }}
{{- end -}}
{{- end -}}

{{/* A quantity of Kubernetes ("1Gi", "1.5G", "512Mi", 536870912) in MiB, rounded down. */}}
{{- define "twist.mebibytes" -}}
{{- $text := toString (kindIs "float64" . | ternary (int64 .) .) -}}
{{- $number := regexFind "^[0-9.]+" $text | float64 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- $bytes := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- divf (mulf $number (get $bytes $unit)) 1048576.0 | floor | int64 -}}
{{- end -}}

{{/* How long a pod takes to stop, in seconds: on its way out of the load balancers, then its drain. */}}
{{- define "twist.stopSeconds" -}}
{{- $delay := include "twist.seconds" (default "off" .Values.config.drainDelay) | int64 -}}
{{- $drain := include "twist.seconds" (default "10s" .Values.config.drainTimeout) | int64 -}}
{{- add (int64 .Values.preStopSeconds) $delay $drain -}}
{{- end -}}

{{- define "twist.workers" -}}
{{- int64 (default 1 .Values.config.workers) -}}
{{- end -}}

{{- define "twist.memoryLimit" -}}
{{- dig "limits" "memory" "" .Values.resources -}}
{{- end -}}

{{/*
What one process may hold for its clients: half of what the limit leaves beside the processes themselves. The other half is for what
V8 has not collected yet (docs/operations.md, "Memory"). Nothing where it is given or there is no limit.
*/}}
{{- define "twist.maxMemory" -}}
{{- $limit := include "twist.memoryLimit" . -}}
{{- if and $limit (not .Values.config.maxMemory) -}}
{{- $workers := include "twist.workers" . | int64 -}}
{{- $processes := gt $workers 1 | ternary (add $workers 1) 1 | int64 -}}
{{- div (sub (include "twist.mebibytes" $limit | int64) (mul $processes 96)) (mul 2 $workers) -}}m
{{- end -}}
{{- end -}}

{{/* The configuration file. */}}
{{- define "twist.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "listen" (list ":9001") -}}
{{- $_ := set $config "admin" ":9090" -}}
{{- $modes := pick $config "echo" "tcp" "tokenFile" "mode" "replay" "routes" -}}
{{- if not (or $modes .Values.recording.enabled) -}}
{{- $_ := set $config "echo" true -}}
{{- end -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $config "tlsCert" "/etc/twist-tls/tls.crt" -}}
{{- $_ := set $config "tlsKey" "/etc/twist-tls/tls.key" -}}
{{- end -}}
{{- if .Values.auth.secretName -}}
{{- $_ := set $config "authFile" (printf "/etc/twist-auth/%s" .Values.auth.key) -}}
{{- end -}}
{{- with include "twist.maxMemory" . -}}
{{- $_ := set $config "maxMemory" . -}}
{{- end -}}
{{- toPrettyJson $config -}}
{{- end -}}
