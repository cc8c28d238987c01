{{/* Environment variables of containers. Values are text. Passwords come from Secrets, only where they are needed. */}}

{{- define "warren.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/* Kubernetes replaces $(NAME) by the value of an earlier variable. */}}

{{/* RabbitMQ's address for one part of Warren, with its own account if it has one. Argument: (dict "root" $ "component" "gateway") */}}
{{- define "warren.env.rabbitmq" -}}
{{- include "warren.secretVariable" (dict "name" "WARREN_AMQP_URL" "secret" (include "warren.amqpSecret" .) "key" "url") }}
{{- end }}

{{/* Variables of provisioning: RabbitMQ's administrator, and the accounts to create. */}}
{{- define "warren.env.rabbitmqAdmin" -}}
{{- if or (eq .Values.rabbitmq.mode "operator") .Values.rabbitmq.external.adminSecret }}
{{- if eq .Values.rabbitmq.mode "operator" }}
{{- $secret := printf "%s-default-user" (include "warren.rabbitmq" .) }}
{{- include "warren.secretVariable" (dict "name" "RABBITMQ_USER" "secret" $secret "key" "username") }}
{{ include "warren.secretVariable" (dict "name" "RABBITMQ_PASSWORD" "secret" $secret "key" "password") }}
- name: WARREN_AMQP_ADMIN_URL
  value: amqp://$(RABBITMQ_USER):$(RABBITMQ_PASSWORD)@{{ include "warren.rabbitmqHost" . }}:5672/
{{- else }}
{{- include "warren.secretVariable" (dict "name" "WARREN_AMQP_ADMIN_URL" "secret" .Values.rabbitmq.external.adminSecret "key" "url") }}
{{- end }}
- name: WARREN_AMQP_API_URL
  value: {{ include "warren.rabbitmqApi" . | quote }}
- name: WARREN_TRANSIENT_QUEUES
  value: {{ .Values.rabbitmq.transientQueues }}
{{- $accounts := list }}
{{- range $component := include "warren.parties" . | splitList " " }}
{{- if or (eq $.Values.rabbitmq.mode "operator") (index $.Values.rabbitmq.secrets $component) }}
{{- $variable := printf "RABBITMQ_URL_%s" (upper $component) }}
{{- $accounts = append $accounts (printf "%s: \"$(%s)\"" ($component | quote) $variable) }}
{{ include "warren.secretVariable" (dict "name" $variable "secret" (include "warren.amqpSecret" (dict "root" $ "component" $component)) "key" "url") }}
{{- end }}
{{- end }}
- name: WARREN_AMQP_URLS
  value: '{ {{- join ", " $accounts -}} }'
{{- end }}
{{- end }}

{{/* A service's DSN. Argument: (dict "root" $ "component" "tracking") */}}
{{- define "warren.env.dsn" -}}
{{- include "warren.secretVariable" (dict "name" (printf "WARREN_%s_DSN" (upper .component)) "secret" (include "warren.dsnSecret" .) "key" "dsn") }}
{{- end }}

{{- define "warren.env.admin" -}}
{{- if eq .Values.postgres.mode "operator" }}
{{- $secret := printf "%s-superuser" (include "warren.postgres" .) }}
{{- include "warren.secretVariable" (dict "name" "POSTGRES_USER" "secret" $secret "key" "username") }}
{{ include "warren.secretVariable" (dict "name" "POSTGRES_PASSWORD" "secret" $secret "key" "password") }}
- name: WARREN_ADMIN_DSN
  value: postgresql://$(POSTGRES_USER):$(POSTGRES_PASSWORD)@{{ include "warren.postgresHost" . }}:5432/postgres
{{- else if .Values.postgres.external.adminSecret }}
{{- include "warren.secretVariable" (dict "name" "WARREN_ADMIN_DSN" "secret" .Values.postgres.external.adminSecret "key" "dsn") }}
{{- end }}
{{- end }}

{{- define "warren.env.gateway" -}}
- name: WARREN_HOST
  value: 0.0.0.0
- name: WARREN_PORT
  value: "5000"
- name: WARREN_ACCESS_MODE
  value: {{ .Values.gateway.accessMode }}
- name: WARREN_DIRECT_ARTIFACTS
  value: {{ .Values.gateway.directArtifacts | quote }}
- name: WARREN_MAX_ARTIFACT_BYTES
  value: {{ int64 .Values.maxArtifactBytes | quote }}
{{- end }}

{{- define "warren.env.artifacts" -}}
- name: WARREN_S3_ENDPOINT
  value: {{ .Values.s3.endpoint | quote }}
- name: WARREN_S3_PUBLIC_ENDPOINT
  value: {{ .Values.s3.publicEndpoint | quote }}
- name: WARREN_S3_REGION
  value: {{ .Values.s3.region | quote }}
- name: WARREN_S3_BUCKET
  value: {{ .Values.s3.bucket | quote }}
{{ include "warren.secretVariable" (dict "name" "WARREN_S3_ACCESS_KEY" "secret" .Values.s3.secret "key" "access-key") }}
{{ include "warren.secretVariable" (dict "name" "WARREN_S3_SECRET_KEY" "secret" .Values.s3.secret "key" "secret-key") }}
- name: WARREN_MAX_ARTIFACT_BYTES
  value: {{ int64 .Values.maxArtifactBytes | quote }}
{{- end }}

{{/* All variables of a service. Argument: (dict "root" $ "component" "gateway") */}}
{{- define "warren.env" -}}
- name: WARREN_LOG_LEVEL
  value: {{ .root.Values.logLevel }}
- name: WARREN_MONITOR_HOST
  value: 0.0.0.0
- name: WARREN_MONITOR_PORT
  value: "9090"
{{ include "warren.env.rabbitmq" . }}
- name: WARREN_TRANSIENT_QUEUES
  value: {{ .root.Values.rabbitmq.transientQueues }}
{{- if has .component (include "warren.schemas" .root | splitList " ") }}
{{ include "warren.env.dsn" . }}
{{- if include "warren.hasReplicas" . }}
- name: WARREN_{{ upper .component }}_REPLICAS
  valueFrom:
    secretKeyRef:
      name: {{ include "warren.dsnSecret" . }}
      key: replicas
      optional: true
{{- end }}
{{- else }}
{{ include (printf "warren.env.%s" .component) .root }}
{{- end }}
{{- if eq .component "access" }}
{{ include "warren.secretVariable" (dict "name" "WARREN_ROOT_TOKEN" "secret" (include "warren.rootTokenSecret" .root) "key" "token") }}
{{- end }}
{{- range $name, $value := (index .root.Values .component).env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
