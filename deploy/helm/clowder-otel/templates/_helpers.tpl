{{/* Name prefix of every object in the release. */}}
{{- define "clowder-otel.fullname" -}}
{{- if contains "clowder-otel" .Release.Name }}{{ .Release.Name | trunc 50 }}{{ else }}{{ printf "%s-clowder-otel" .Release.Name | trunc 50 }}{{ end }}
{{- end }}

{{- define "clowder-otel.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "clowder-otel.secret" -}}
{{ .Values.existingSecret | default (include "clowder-otel.fullname" .) }}
{{- end }}

{{/* Labels of all objects in a part. Call with (dict "root" $ "part" "collector"). */}}
{{- define "clowder-otel.labels" -}}
{{ include "clowder-otel.selector" . }}
app.kubernetes.io/part-of: clowder-otel
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "clowder-otel.selector" -}}
app.kubernetes.io/name: {{ include "clowder-otel.fullname" .root }}-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Common to all pods with our own image. */}}
{{- define "clowder-otel.pod" -}}
terminationGracePeriodSeconds: 15
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "clowder-otel.container" -}}
image: {{ include "clowder-otel.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Variables of the broker, for programs that connect to it. */}}
{{- define "clowder-otel.brokerEnv" -}}
- name: AMQP_URL
  valueFrom: { secretKeyRef: { name: {{ include "clowder-otel.secret" . }}, key: amqp-url } }
{{- if .Values.broker.tlsSecret }}
- { name: AMQP_CA_FILE, value: /etc/clowder-otel-broker/ca.crt }
{{- end }}
{{- end }}

{{/* Call with a map of names and values. */}}
{{- define "clowder-otel.env" -}}
{{- range $name, $value := . }}
- { name: {{ $name }}, value: {{ $value | toString | quote }} }
{{- end }}
{{- end }}

{{- define "clowder-otel.agentUrl" -}}
{{- if .Values.agent.enabled -}}
http://{{ include "clowder-otel.fullname" . }}-agent:4319
{{- else -}}
http://{{ include "clowder-otel.fullname" . }}-collector:4318
{{- end -}}
{{- end }}

{{/* The senders' endpoint and, if that is the collector itself, their key. */}}
{{- define "clowder-otel.senderEnv" -}}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ include "clowder-otel.agentUrl" . | quote }} }
{{- if not .Values.agent.enabled }}
- name: CLOWDER_OTEL_API_KEY
  valueFrom: { secretKeyRef: { name: {{ include "clowder-otel.secret" . }}, key: api-key } }
- { name: OTEL_EXPORTER_OTLP_HEADERS, value: x-api-key=$(CLOWDER_OTEL_API_KEY) }
{{- end }}
{{- end }}

{{/* The file in otel-config by which OTel Collectors route to several collectors; empty for a single one. */}}
{{- define "clowder-otel.route" -}}
{{- if eq .Values.collector.foundBy "dns" -}}
{{- if .Values.collector.grpcTlsSecret }}{{ fail "collector.foundBy: dns asks by address, which no certificate names: leave collector.grpcTlsSecret empty" }}{{ end -}}
collectors-dns.yaml
{{- else if gt (int .Values.collector.replicas) 1 -}}
collectors.yaml
{{- end -}}
{{- end }}
